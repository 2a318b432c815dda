// What a quantized model's loss says of the weights that are rounded in it.
#pragma once
#include "learn/model_end.h"
#include "quantize/request.h"
#include "quantize/rotations.h"
#include <functional>

namespace latticelens {

/// The gradient of a weight [out, in] of the block in hand.
using EachWeight =
    std::function<void(std::int64_t layer, const std::string& linear, const Tensor& gradient)>;

/// The divergence of the quantized model's predictions from the original's. Quantizers are
/// straight-through: the rounded weights' gradients are those of the weights.
class WeightLoss {
 public:
  /// Of request.method's transforms and formats; what it learns says whether weights are rounded
  /// meanwhile. Keeps both by reference.
  WeightLoss(const QuantizeRequest& request, const Rotations& rotations);

  /// A block folded and with its activations' quantizers: where learning starts.
  Block folded(std::int64_t layer) const;

  double at(const std::vector<Block>& blocks, const Tensor& ids /*[n, t]*/) const;
  /// The loss; `each` gets the gradient of every weight, from the last block to the first, and may
  /// change the blocks that it was called for. Memory: the stream before every block and one
  /// block's graph.
  double gradient_at(const std::vector<Block>& blocks, const Tensor& ids,
                     const EachWeight& each) const;

 private:
  Block rounded(const Block& block) const;
  std::vector<Tensor> streams(const std::vector<Block>& blocks, const Tensor& ids) const;
  Tensor back_through(const Block& block, const Tensor& x, const Tensor& gradient, const Rope& rope,
                      const EachWeight& each) const;

  const QuantizeRequest& request_;
  const Rotations& rotations_;
  Tensor embedding_;
  ModelEnd end_;
};

} // namespace latticelens
