#include "learn/head_loss.h"

#include <ATen/ATen.h>

namespace latticelens {
namespace {

constexpr std::int64_t positions_at_once = 256; // bounds the logits in memory

} // namespace

HeadLoss::HeadLoss(const Linear& head)
    : weight_(head.weight), transposed_(head.weight.t()), bias_(head.bias) {}

LossGradient HeadLoss::of(const Tensor& hidden, const Tensor& ids) const {
  const std::int64_t width = hidden.size(2), last = hidden.size(1) - 1;
  const Tensor rows = hidden.narrow(1, 0, last).reshape({-1, width}),
               targets = ids.narrow(1, 1, last).reshape({-1, 1});
  const auto predictions = static_cast<double>(rows.size(0));
  LossGradient result{.loss = 0, .gradient = at::zeros_like(hidden)};
  std::vector<Tensor> parts;
  for (std::int64_t first = 0; first < rows.size(0); first += positions_at_once) {
    const auto part = [&](const Tensor& x) { return x.slice(0, first, first + positions_at_once); };
    Tensor outer = at::log_softmax(linear_of(part(rows), weight_, bias_), -1);
    result.loss -= outer.gather(1, part(targets)).sum(at::kDouble).item<double>() / predictions;
    outer.exp_();
    outer.scatter_add_(1, part(targets), at::full_like(part(targets), -1, at::kFloat));
    parts.push_back(linear_of(outer.div_(predictions), transposed_, {}));
  }
  result.gradient.narrow(1, 0, last).copy_(at::cat(parts).view({-1, last, width}));
  return result;
}

} // namespace latticelens
