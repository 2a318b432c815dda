// The tiny models with another program's logits, one or more of each family.
#pragma once
#include "tests/support.h"
#include <vector>

namespace latticelens::testing {

inline const std::vector<std::string>& family_oracles() {
  static const std::vector<std::string> names = {
      "llama-gqa-untied", "llama3-rope-tied", "llmjp3-odd-vocab", "mistral",      "mixtral-4e2",
      "phi3-hd48",        "phi4mini-partial", "qwen2-bias",       "qwen3-qknorm", "gpt-neox"};
  return names;
}

inline std::filesystem::path family_oracle(const std::string& name) {
  return data_folder() / "oracles/families" / name;
}

} // namespace latticelens::testing
