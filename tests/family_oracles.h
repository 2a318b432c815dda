// The tiny models with another program's logits, one or more of each family.
#pragma once
#include "tests/support.h"
#include <vector>

namespace latticelens::testing {

inline const std::vector<std::string>& family_oracles() {
  static const std::vector<std::string> names = {"llama-gqa-untied", "llama3-rope-tied",
                                                 "llmjp3-odd-vocab", "mistral",
                                                 "qwen2-bias",       "qwen3-qknorm"};
  return names;
}

inline std::filesystem::path family_oracle(const std::string& name) {
  return data_folder() / "oracles/families" / name;
}

} // namespace latticelens::testing
