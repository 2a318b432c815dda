#include "tensor/adam.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

namespace latticelens {
namespace {

std::span<float> part(Tensor& tensor, std::int64_t begin, std::int64_t end) {
  return {tensor.mutable_data_ptr<float>() + begin, static_cast<std::size_t>(end - begin)};
}

} // namespace

AdamMoments no_moments_yet(const Tensor& parameters) {
  return {at::zeros_like(parameters), at::zeros_like(parameters)};
}

void adam_update(const AdamStep& step, const Tensor& gradient, Tensor& parameters,
                 AdamMoments& moments) {
  const Tensor g = gradient.contiguous();
  constexpr std::int64_t at_once = 1 << 16;
  at::parallel_for(0, parameters.numel(), at_once, [&](std::int64_t begin, std::int64_t end) {
    adam_update(step, {g.const_data_ptr<float>() + begin, static_cast<std::size_t>(end - begin)},
                part(parameters, begin, end), part(moments.first, begin, end),
                part(moments.second, begin, end));
  });
}

} // namespace latticelens
