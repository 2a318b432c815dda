#include "pretrain/adam_w.h"

#include "tensor/total.h"
#include <ATen/ATen.h>
#include <cmath>

namespace latticelens {
namespace {

constexpr double largest_norm = 1, weight_decay = 0.1;

} // namespace

double norm_of(const std::vector<Tensor>& gradients) {
  double sum = 0;
  for (const Tensor& gradient : gradients)
    sum += total(gradient.square().view({-1, gradient.size(-1)}));
  return std::sqrt(sum);
}

double clip(std::vector<Tensor>& gradients) {
  const double norm = norm_of(gradients);
  if (norm > largest_norm)
    for (Tensor& gradient : gradients)
      gradient.mul_(largest_norm / norm);
  return norm;
}

void adam_w_step(double rate, std::int64_t step, const std::vector<Tensor>& gradients,
                 const std::vector<Parameter>& parameters, std::vector<AdamMoments>& moments) {
  const AdamStep adam{.rate = rate, .step = step, .epsilon = 1e-8};
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    if (parameters[i].is_matrix)
      parameters[i].value->mul_(1 - rate * weight_decay);
    adam_update(adam, gradients[i], *parameters[i].value, moments[i]);
  }
}

} // namespace latticelens
