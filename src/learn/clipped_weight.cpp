#include "learn/clipped_weight.h"

#include "tensor/gradient.h"
#include <ATen/ATen.h>

namespace latticelens {
namespace {

/// [out, in] as [out, in / block, block].
Tensor in_blocks(const Tensor& weight, const Format& settled) {
  return weight.unflatten(-1, {-1, settled.block});
}

/// A scale goes with the block's largest magnitude m: ds / dm = s / m.
void add_at_maxima(Tensor& gradient, const Tensor& weight, const Tensor& by_scales,
                   const Format& settled) {
  const Tensor blocks = in_blocks(weight, settled), places = blocks.abs().argmax(-1, true),
               largest = blocks.gather(-1, places), added = by_scales.unsqueeze(-1) / largest;
  in_blocks(gradient, settled)
      .scatter_add_(-1, places, at::where(largest == 0, at::zeros_like(added), added));
}

/// clipping: share = sigmoid(clipping), or undefined.
Tensor rounded(const Tensor& weight, const Tensor& clipping, const Tensor& share,
               const Format& format) {
  const Tensor from = weight.detach().contiguous();
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
    Tensor by_weight = gradient * inside;
    add_at_maxima(by_weight, from, by_scales, settled);
    return std::vector<Tensor>{by_weight, by_scales * (1 - share)};
  });
}

} // namespace

Tensor no_clipping_yet(const Tensor& weight, const Format& format) {
  const std::int64_t block = format.on(weight).block;
  return at::full({weight.size(0), weight.size(1) / block}, first_clipping, at::kFloat);
}

Tensor clipped_weight(const Tensor& weight, const Tensor& clipping, const Format& format) {
  return rounded(weight, clipping, clipping.detach().sigmoid(), format);
}

Tensor rounded_with_scales(const Tensor& rows, const Format& format) {
  return rounded(rows, {}, at::ones({rows.size(0), rows.size(1) / format.on(rows).block}), format);
}

} // namespace latticelens
