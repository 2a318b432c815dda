// A basis of the residual stream that a calibration pass chooses.
#pragma once
#include "quantize/calibration.h"
#include "transforms/separation.h"

namespace latticelens {

/// What the stages that read the stream are strong in, gathered on a walk through a model whose
/// norms' gains are folded into the weights.
class StreamReaders {
 public:
  explicit StreamReaders(const Model& model);

  /// Whether the input of a stage is the normed stream.
  bool has(const Stage& stage) const;
  /// One stage with all tokens that reach it. What it loses counts by importance, if there is any,
  /// else relative to the power of its outputs.
  void add(const Walk& walk, std::size_t stage, const Importance* importance);
  /// [1, hidden, hidden] fp64: what `spec` chooses, then Hadamard matrices of its size with signs
  /// of `seed`. Channels that carry most of some token stay apart until then: noise follows the
  /// energy of a token's own block, which no mean over tokens tells.
  Tensor rotation(const TransformSpec& spec, std::uint64_t seed, bool quiet) const;

 private:
  const Model& model_;
  std::vector<StreamReader> readers_;
  Tensor kept_; // [hidden] bool
};

/// The sum over the rows of a stage's weights [out, in] of w wᵀ, each row times its factor
/// [out, 1] if there are any, fp64.
Tensor weight_gram(const Block& block, const Stage& stage, const Tensor& row_factors = {});

} // namespace latticelens
