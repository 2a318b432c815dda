// Weights that learning leaves for the rounding: those of the folded blocks, in fp32.
#pragma once
#include "model/model.h"
#include <filesystem>

namespace latticelens {

/// A folder with a file for each layer.
class LearnedWeights {
 public:
  explicit LearnedWeights(std::filesystem::path folder) : folder_(std::move(folder)) {}

  /// Writes those of a block's linears that stages read.
  void write(const Block& block, const Layout& layout) const;
  bool has(std::int64_t layer) const;
  /// Puts them into a folded block. Errors: an absent file, a tensor that lacks or has another
  /// shape.
  void install(Block& block, const Layout& layout) const;

 private:
  std::filesystem::path path(std::int64_t layer) const;
  std::filesystem::path folder_;
};

} // namespace latticelens
