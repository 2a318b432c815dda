#include "learn/clipped_weight.h"

#include "tensor/gradient.h"
#include <ATen/ATen.h>

namespace latticelens {
namespace {

/// [out, in] as [out, in / block, block].
Tensor in_blocks(const Tensor& weight, const Format& settled) {
  return weight.unflatten(-1, {-1, settled.block});
}

} // namespace

Tensor no_clipping_yet(const Tensor& weight, const Format& format) {
  const std::int64_t block = format.on(weight).block;
  return at::full({weight.size(0), weight.size(1) / block}, first_clipping, at::kFloat);
}

Tensor clipped_weight(const Tensor& weight, const Tensor& clipping, const Format& format) {
  const Tensor from = weight.detach().contiguous(), share = clipping.detach().sigmoid();
  const Format settled = format.on(from);
  Format of_maxima = settled; // a rule looks at a block's largest magnitude only
  of_maxima.block = 1;
  const Tensor scales = of_maxima.fit(in_blocks(from.abs(), settled).amax(-1) * share);
  SnapCounts counts;
  const Tensor values = settled.snap(from, scales, counts);
  if (!wants_gradient({weight, clipping}))
    return values;
  return with_gradient(values, {weight, clipping}, [=](const Tensor& gradient) {
    const Tensor edges = (scales * settled.grid.maximum).unsqueeze(-1);
    const Tensor inside =
        (in_blocks(from.abs(), settled) <= edges).to(at::kFloat).view(from.sizes());
    const Tensor by_scales =
        in_blocks(gradient * (values - from * inside), settled).sum(-1); // times the scales
    return std::vector<Tensor>{gradient * inside, by_scales * (1 - share)};
  });
}

} // namespace latticelens
