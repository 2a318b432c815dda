// learning.jsonl of methods that learn block by block.
#pragma once
#include "core/json.h"
#include <filesystem>
#include <vector>

namespace latticelens {

/// Mean squared errors of a block's output on tokens that no step sees.
struct BlockErrors {
  double before, after;
};

class BlockLog {
 public:
  /// Goes on after the rows of an earlier run for the first `finished` blocks.
  BlockLog(const std::filesystem::path& folder, std::int64_t finished);
  void add(std::int64_t layer, const BlockErrors& errors);
  /// "error 0.0123 before, 0.00456 after".
  std::string last() const;

 private:
  std::filesystem::path path_;
  std::vector<Json> rows_;
};

} // namespace latticelens
