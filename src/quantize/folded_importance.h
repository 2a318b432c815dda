// Importance of outputs in the basis that folding leaves them in.
#pragma once
#include "quantize/importance.h"
#include "quantize/rotations.h"

namespace latticelens {

class FoldedImportance {
 public:
  /// measured: of the model before anything is folded; null: all tokens and outputs count alike.
  FoldedImportance(std::shared_ptr<const Importance> measured, const Rotations& rotations,
                   const Model& model);

  /// What was measured, whose tokens no fold changes; or null.
  const Importance* measured() const { return measured_.get(); }
  /// Importance::output_factors of a stage's folded rows [out, 1]; undefined: all alike.
  /// Gradients by outputs are taken for independent, so that their squares go with the squares of
  /// the matrix.
  Tensor output_factors(const Stage& stage, std::int64_t layer) const;

 private:
  Tensor folded(const std::string& linear, std::int64_t layer, const Tensor& squares) const;

  std::shared_ptr<const Importance> measured_;
  const Rotations& rotations_;
  const Model& model_;
  Tensor residual_; // [hidden, hidden] fp64: squares of the matrix that gradients are multiplied by
};

} // namespace latticelens
