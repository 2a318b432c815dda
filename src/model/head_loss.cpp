#include "model/head_loss.h"

#include <ATen/ATen.h>

namespace latticelens {
namespace {

constexpr std::int64_t positions_at_once = 256; // bounds the logits in memory

/// The positions that predict a token: all but the last of each row.
Tensor predicting(const Tensor& hidden) {
  return hidden.narrow(1, 0, hidden.size(1) - 1).reshape({-1, hidden.size(2)});
}

Tensor part_of(const Tensor& rows, std::int64_t first) {
  return rows.slice(0, first, first + positions_at_once);
}

} // namespace

HeadLoss::HeadLoss(const Linear& head)
    : weight_(head.weight), transposed_(head.weight.t()), bias_(head.bias) {}

LossGradient HeadLoss::sum(const Tensor& hidden,
                           const std::function<double(std::int64_t, Tensor&)>& outer,
                           Tensor* of_weight) const {
  const Tensor rows = predicting(hidden);
  const auto predictions = static_cast<double>(rows.size(0));
  LossGradient result{.loss = 0, .gradient = at::zeros_like(hidden)};
  std::vector<Tensor> parts;
  for (std::int64_t first = 0; first < rows.size(0); first += positions_at_once) {
    Tensor scores = at::log_softmax(linear_of(part_of(rows, first), weight_, bias_), -1);
    result.loss += outer(first, scores) / predictions;
    parts.push_back(linear_of(scores.div_(predictions), transposed_, {}));
    if (of_weight)
      of_weight->add_(transposed_product(scores, part_of(rows, first)));
  }
  const std::int64_t last = hidden.size(1) - 1;
  result.gradient.narrow(1, 0, last).copy_(at::cat(parts).view({-1, last, hidden.size(2)}));
  return result;
}

LossGradient HeadLoss::of(const Tensor& hidden, const Tensor& ids, Tensor* of_weight) const {
  const Tensor targets = ids.narrow(1, 1, ids.size(1) - 1).reshape({-1, 1});
  const auto outer = [&](std::int64_t first, Tensor& scores) {
    const Tensor part = part_of(targets, first);
    const double loss = -scores.gather(1, part).sum(at::kDouble).item<double>();
    scores.exp_().scatter_add_(1, part, at::full_like(part, -1, at::kFloat));
    return loss;
  };
  return sum(hidden, outer, of_weight);
}

LossGradient HeadLoss::against(const Tensor& hidden, const Tensor& original) const {
  const Tensor rows = predicting(original);
  return sum(hidden, [&](std::int64_t first, Tensor& scores) {
    const Tensor log_q = at::log_softmax(linear_of(part_of(rows, first), weight_, bias_), -1),
                 q = log_q.exp();
    // Rows first: a sum over everything would be split among threads.
    const double loss = (q * (log_q - scores)).sum(1).sum(at::kDouble).item<double>();
    scores.exp_().sub_(q);
    return loss;
  });
}

} // namespace latticelens
