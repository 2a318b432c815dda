// The loss of a model with rotations folded in and quantizers on, and its gradient by each matrix.
#pragma once
#include "learn/basis_factor.h"
#include "learn/model_end.h"
#include "quantize/request.h"
#include "quantize/rotations.h"

namespace latticelens {

/// What a step of learning asks for. The gradients are those of factors on the right of the
/// matrices (learn/basis_factor.h), fp64, in the shapes of LearnedRotations.
struct RotationGradient {
  double loss = 0;
  LearnedRotations gradient;
};

class RotationLoss {
 public:
  /// The transforms, the formats and `seed` are those of quantizing; the rest of the method is not
  /// used, and of what it learns only whether weights are rounded meanwhile and which loss it is.
  RotationLoss(const Model& model, const Method& method, std::uint64_t seed);

  /// Of ids [n, t]. Memory: the stream before every block, one block's graph, and the folded blocks
  /// if they take less than a gigabyte; else they are folded again for the backward pass.
  RotationGradient at(const LearnedRotations& rotations, const Tensor& ids) const;
  double loss_at(const LearnedRotations& rotations, const Tensor& ids) const;

 private:
  struct Forward;
  Block folded(std::int64_t layer, const Rotations& rotations) const;
  void round_weights(Block& block, const BasisFactors& factors) const;
  Forward forward(const LearnedRotations& rotations, const Tensor& ids) const;
  EndGradient end(const Forward& pass, const Tensor& ids) const;
  Tensor back_through(std::int64_t layer, const Forward& pass, const Tensor& gradient,
                      LearnedRotations& sums) const;

  const Model& model_;
  const Method& method_;
  std::uint64_t seed_;
  Tensor embedding_;
  ModelEnd end_;
};

} // namespace latticelens
