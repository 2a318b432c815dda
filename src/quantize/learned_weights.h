// What learning leaves for the rounding: the weights of the folded blocks, in fp32, and where those
// are learned too, the norms and biases.
#pragma once
#include "model/model.h"
#include <filesystem>

namespace latticelens {

enum class LearnedParts { weights, weights_norms_and_biases };

/// A folder with a file for each layer.
class LearnedWeights {
 public:
  explicit LearnedWeights(std::filesystem::path folder) : folder_(std::move(folder)) {}

  /// Writes those of a block's linears that stages read, under their names; the block's norms as
  /// `norms/NAME/gain` and `norms/NAME/bias`, biases of linears as `biases/NAME`. Whole or not at
  /// all.
  void write(const Block& block, const Layout& layout,
             LearnedParts parts = LearnedParts::weights) const;
  /// How many blocks from the first one on have their file.
  std::int64_t written(std::int64_t layers) const;
  /// Puts them into a folded block; norms and biases where the file has them. Errors: an absent
  /// file, a tensor that lacks or has another shape.
  void install(Block& block, const Layout& layout) const;

 private:
  bool has(std::int64_t layer) const;
  std::filesystem::path path(std::int64_t layer) const;
  std::filesystem::path folder_;
};

} // namespace latticelens
