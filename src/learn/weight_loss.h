// What a quantized model's loss says of the weights that are rounded in it.
#pragma once
#include "learn/model_end.h"
#include "quantize/rotations.h"
#include <functional>

namespace latticelens {

/// The gradient of a weight [out, in] of the block in hand.
using EachWeight =
    std::function<void(std::int64_t layer, const std::string& linear, const Tensor& gradient)>;

/// What a linear multiplies by [out, in] instead of its weight.
using RoundedWeight =
    std::function<Tensor(std::int64_t layer, const std::string& linear, const Tensor& weight)>;

/// The divergence of the quantized model's predictions from the original's. Quantizers are
/// straight-through: a rounded weight's gradient is that of the weight.
class WeightLoss {
 public:
  /// `model` is the original, `rotations` what its blocks are folded with: both by reference.
  /// `rounded` is for the weights that stages read; empty: they are as they are.
  WeightLoss(const Model& model, const Rotations& rotations, RoundedWeight rounded);

  double at(const std::vector<Block>& blocks, const Tensor& ids /*[n, t]*/) const;
  /// The loss; `each` gets the gradient of every weight, from the last block to the first, and may
  /// change the weight that it was called for. Memory: the stream before every block and one
  /// block's graph.
  double gradient_at(const std::vector<Block>& blocks, const Tensor& ids,
                     const EachWeight& each) const;

 private:
  Block rounded(const Block& block) const;
  std::vector<Tensor> streams(const std::vector<Block>& blocks, const Tensor& ids) const;
  Tensor back_through(const Block& block, const Tensor& x, const Tensor& gradient, const Rope& rope,
                      const EachWeight& each) const;

  const Model& model_;
  const Rotations& rotations_;
  RoundedWeight rounded_;
  Tensor embedding_;
  ModelEnd end_;
};

} // namespace latticelens
