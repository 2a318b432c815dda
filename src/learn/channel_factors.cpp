#include "learn/channel_factors.h"

#include "tensor/gradient.h"
#include "tensor/linear.h"
#include <ATen/ATen.h>

namespace latticelens {
namespace {

/// LibTorch may add up columns otherwise on another number of threads.
Tensor column_sums(const Tensor& x) {
  const Tensor rows = x.reshape({-1, x.size(-1)});
  return transposed_product(at::ones({rows.size(0), 1}), rows).view({-1});
}

} // namespace

Tensor times_columns(const Tensor& x, const Tensor& factors) {
  const Tensor from = x.detach(), by = factors.detach();
  if (!wants_gradient({x, factors}))
    return from * by;
  return with_gradient(from * by, {x, factors}, [=](const Tensor& gradient) {
    return std::vector<Tensor>{gradient * by, column_sums(gradient * from)};
  });
}

Tensor times_rows(const Tensor& weight, const Tensor& factors) {
  const Tensor from = weight.detach(), by = factors.detach();
  if (!wants_gradient({weight, factors}))
    return from * by.unsqueeze(1);
  return with_gradient(from * by.unsqueeze(1), {weight, factors}, [=](const Tensor& gradient) {
    return std::vector<Tensor>{gradient * by.unsqueeze(1), (gradient * from).sum(1)};
  });
}

} // namespace latticelens
