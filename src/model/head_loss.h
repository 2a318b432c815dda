// The loss at a model's end and its gradient, a few positions at a time.
#pragma once
#include "model/block.h"
#include "tensor/linear.h"
#include <functional>

namespace latticelens {

struct LossGradient {
  double loss = 0; // mean over the predictions, nats
  Tensor gradient; // of the loss, like the hidden states
};

/// A head, ready for many steps.
class HeadLoss {
 public:
  explicit HeadLoss(const Linear& head);
  /// Cross entropy of each next token: hidden [n, t, d] after the final norm, ids [n, t]; the last
  /// position of a row predicts nothing. The same bytes at any thread count.
  /// `of_weight`, if any: the gradient of the head's weight is added to it.
  LossGradient of(const Tensor& hidden, const Tensor& ids, Tensor* of_weight = nullptr) const;
  /// KL(original || this) at the same positions, from the original's hidden states.
  LossGradient against(const Tensor& hidden, const Tensor& original) const;

 private:
  /// `outer(first, log p)` makes of log probabilities [m, vocabulary] at the predictions from
  /// `first` on the gradient of the summed loss by the logits, in place, and returns that sum.
  LossGradient sum(const Tensor& hidden, const std::function<double(std::int64_t, Tensor&)>& outer,
                   Tensor* of_weight = nullptr) const;
  StripMatrix weight_, transposed_;
  Tensor bias_;
};

} // namespace latticelens
