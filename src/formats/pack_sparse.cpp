#include "core/error.h"
#include "formats/packing.h"
#include "formats/table.h"
#include <ATen/ATen.h>
#include <cmath>
#include <limits>

namespace latticelens {
namespace {

/// Power-of-two scales times a factor a row in [1, 2); other scales are kept in fp32.
std::pair<Tensor, Tensor> factors_and_scales(const Tensor& scales) {
  const Tensor factor = std::get<0>(at::frexp(scales.slice(1, 0, 1))) * 2;
  return {factor, scales / factor};
}

bool has_factor(const Format& format) {
  return !format.rule.scale_grid;
}

Format with_stored_scales(Format format) {
  if (format.rule.scale_grid)
    format.rule = {.scale_grid = fp32_scales};
  return format;
}

PackedWeight pack(const UnpackedWeight& weight, const Format& format) {
  const std::int64_t block = weight.values.size(1) / weight.scales.size(1);
  const Tensor step = weight.scales.repeat_interleave(block, 1),
               outside = weight.values.abs() > step * format.grid.maximum;
  const Tensor places = at::nonzero(outside.flatten()).flatten();
  require(weight.values.numel() <= std::numeric_limits<std::int32_t>::max(), "weights",
          "too many weights in one matrix for 32-bit places of outliers");
  UnpackedWeight inside{at::where(outside, at::zeros({}, at::kFloat), weight.values),
                        weight.scales};
  PackedWeight parts;
  if (has_factor(format)) {
    const auto [factor, scales] = factors_and_scales(weight.scales);
    inside = {inside.values / factor, scales};
    parts["_factor"] = factor.flatten().contiguous();
  }
  parts.merge(grid_packing().pack(inside, with_stored_scales(format)));
  parts["_outlier"] = at::masked_select(weight.values, outside);
  parts["_outlier_place"] = places.to(at::kInt);
  return parts;
}

UnpackedWeight unpack(const LoadPart& load, const Format& format, const std::string& where) {
  UnpackedWeight weight = grid_packing().unpack(load, with_stored_scales(format), where);
  const std::int64_t rows = weight.values.size(0);
  if (has_factor(format)) {
    const Tensor factor = load("_factor");
    require(factor.defined() && factor.scalar_type() == at::kFloat && factor.numel() == rows &&
                at::isfinite(factor).all().item<bool>(),
            "weights", where + ": its _factor is missing, of another size or no number");
    const std::int64_t block = weight.values.size(1) / weight.scales.size(1);
    const Tensor elements = weight.values / weight.scales.repeat_interleave(block, 1);
    weight.scales = weight.scales * factor.view({rows, 1});
    weight.values = elements * weight.scales.repeat_interleave(block, 1);
  }
  const Tensor outlier = load("_outlier"), place = load("_outlier_place");
  require(outlier.defined() && place.defined() && outlier.scalar_type() == at::kFloat &&
              place.scalar_type() == at::kInt && outlier.dim() == 1 &&
              place.sizes() == outlier.sizes() &&
              (place.numel() == 0 ||
               (place.min().item<int>() >= 0 && place.max().item<int>() < weight.values.numel())),
          "weights", where + ": its outliers are damaged");
  weight.values.view({-1}).index_put_({place.to(at::kLong)}, outlier);
  return weight;
}

} // namespace

const Packing& sparse_packing() {
  static const Packing packing{"sparse", "_packed", pack, unpack};
  return packing;
}

} // namespace latticelens
