#include "formats/quantize_reference.h"

#include <ATen/ATen.h>
#include <limits>

namespace latticelens::reference {
namespace {

/// Beside x, since a GPU multiplies by the reciprocal of what lies on the CPU.
Tensor number(double value, const Tensor& x) {
  return at::full({}, value, x.options());
}

/// 2^exponent, which is normal, exactly: pow of a GPU need not be.
Tensor power_of_two(const Tensor& exponent, at::ScalarType type) {
  if (type == at::kDouble)
    return exponent.to(at::kLong).add(1023).bitwise_left_shift(52).view(at::kDouble);
  return exponent.to(at::kInt).add(127).bitwise_left_shift(23).view(at::kFloat);
}

Tensor snap_to_table(const Tensor& x, std::span<const float> table) {
  std::vector<float> middles;
  for (std::size_t i = 1; i < table.size(); ++i)
    middles.push_back(middle_below(table, i));
  const auto beside = [&](std::span<const float> values) {
    return at::tensor(at::ArrayRef<float>(values.data(), values.size()), at::kFloat).to(x.device());
  };
  const Tensor nearest = at::bucketize(x, beside(middles), false, /*right=*/true);
  return at::where(x.isnan(), x, beside(table).take(nearest));
}

/// `snap` of kernels/element_grid.h, whose steps are exact in the type of x.
Tensor snap(const Tensor& x, const ElementGrid& grid) {
  if (!grid.table.empty())
    return snap_to_table(x, grid.table);
  const Tensor magnitude = x.abs().clamp_max(2 * grid.maximum);
  const auto [significand, above] = at::frexp(at::where(magnitude.isnan(), 1.0, magnitude));
  const Tensor exponent = at::where(magnitude == 0, grid.minimum_exponent, above - 1)
                              .clamp_min(grid.minimum_exponent),
               step = power_of_two(exponent - grid.mantissa_bits, x.scalar_type()),
               steps = magnitude / step;
  Tensor rounded = steps.round();
  if (grid.ties == Ties::away)
    rounded = rounded + (steps - rounded == 0.5).to(x.scalar_type());
  return (rounded * step).clamp_max(grid.maximum).copysign(x);
}

/// kernels/microscale.h, on columns [blocks, 1]. second: the second scale, a number or a column.
struct Scales {
  const ScaleRule& rule;
  const ElementGrid& grid;
  Tensor second;

  Tensor wanted(const Tensor& largest) const {
    if (rule.scale_grid)
      return largest / number(static_cast<float>(grid.maximum), largest);
    const Tensor finite = at::where(at::isfinite(largest), largest, 1.0);
    const auto [half, above] = at::frexp(finite);
    const Tensor significand = 2 * half;
    const Tensor higher =
        rule.inclusive ? significand >= rule.threshold : significand > rule.threshold;
    const Tensor exponent = (above - 1 - rule.grid_exponent + higher.to(at::kInt)).clamp(-127, 127);
    const Tensor scale = power_of_two(exponent.clamp_min(-126), at::kFloat);
    const Tensor halved = at::logical_or(finite == 0, exponent == -127);
    return at::where(halved, number(0x1p-127, scale), scale) + (largest - largest); // NaN stays
  }

  Tensor nearest(const Tensor& wanted) const {
    if (!rule.scale_grid)
      return wanted.clamp(0x1p-127, 0x1p127);
    const ElementGrid& scales = *rule.scale_grid;
    const double smallest = std::ldexp(1.0, scales.minimum_exponent - scales.mantissa_bits);
    const Tensor on_grid = snap((second * wanted).to(at::kDouble), scales).clamp_min(smallest);
    return on_grid.to(at::kFloat) / second;
  }
};

Tensor squared_errors(const Tensor& blocks, const Tensor& scales, const ElementGrid& grid) {
  const Tensor values = blocks.to(at::kDouble), steps = scales.to(at::kDouble);
  return (values - snap(values / steps, grid) * steps).square().sum(1, true);
}

/// Of blocks [n, block]: [n, 1].
Tensor fit(const Tensor& blocks, const Scales& scales) {
  const Tensor magnitude = blocks.abs().amax(1, true),
               largest = at::where(at::isfinite(magnitude), magnitude,
                                   std::numeric_limits<double>::quiet_NaN()),
               wanted = scales.wanted(largest);
  if (scales.rule.multipliers.empty())
    return scales.nearest(wanted);
  Tensor best, least;
  for (const float multiplier : scales.rule.multipliers) {
    const Tensor scale = scales.nearest(wanted * multiplier),
                 error = squared_errors(blocks, scale, scales.grid);
    const Tensor better = best.defined() ? error < least : at::ones_like(error, at::kBool);
    best = best.defined() ? at::where(better, scale, best) : scale;
    least = least.defined() ? at::where(better, error, least) : error;
  }
  return best;
}

Tensor snap_blocks(const Tensor& blocks, const Tensor& scales, const ElementGrid& grid,
                   SnapCounts& counts) {
  const Tensor scaled = blocks / scales;
  const Tensor seen =
      at::stack({(scaled.abs() > outer_edge(grid)).sum(), scaled.isnan().sum()}).cpu();
  counts += {seen[0].item<std::int64_t>(), seen[1].item<std::int64_t>()};
  return snap(scaled, grid) * scales;
}

Tensor quantize_asymmetric(const Tensor& rows, int levels, SnapCounts& counts) {
  const Tensor low = rows.amin(1, true).clamp_max(0), high = rows.amax(1, true).clamp_min(0),
               finite = at::isfinite(high - low), scale = (high - low) / number(levels, rows),
               zero = (-low / scale).round(),
               codes = ((rows / scale).round() + zero).clamp(0, levels),
               values = at::where(scale == 0, 0.0, (codes - zero) * scale);
  counts.not_finite += (finite.numel() - finite.sum().item<std::int64_t>()) * rows.size(1);
  return at::where(finite, values, std::numeric_limits<double>::quiet_NaN());
}

/// Each token's own, for each of its blocks: [blocks, 1].
Tensor second_scales(const Format& format, const Tensor& rows, std::int64_t blocks_of_row) {
  const Tensor largest = at::where(rows.isnan(), 0.0, rows.abs()).amax(1).cpu();
  std::vector<float> scales;
  for (std::int64_t i = 0; i < largest.numel(); ++i)
    scales.push_back(format.second_scale(largest.const_data_ptr<float>()[i]));
  return at::tensor(scales, at::kFloat)
      .to(rows.device())
      .repeat_interleave(blocks_of_row)
      .unsqueeze(1);
}

} // namespace

Tensor quantize(const Format& format, const Tensor& x, SnapCounts& counts) {
  const std::int64_t row = x.size(-1), block = format.block > 0 ? format.block : row;
  const Tensor rows = x.to(at::kFloat).reshape({-1, row});
  if (format.asymmetric_activations)
    return quantize_asymmetric(rows, (1 << format.code_bits()) - 1, counts).view(x.sizes());
  const bool of_token = format.rule.tensor_maximum > 0 && format.rule.tensor_scale == 0;
  const Tensor blocks = rows.reshape({-1, block}),
               second = of_token ? second_scales(format, rows, row / block)
                                 : number(format.rule.tensor_scale, rows);
  const Tensor scales = fit(blocks, {format.rule, format.grid, second});
  return snap_blocks(blocks, scales, format.grid, counts).view(x.sizes());
}

} // namespace latticelens::reference
