#include "formats/scales_on_grid.h"

#include "core/error.h"
#include "kernels/best_paths.h"
#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <algorithm>
#include <atomic>
#include <cmath>

namespace latticelens {
namespace {

/// The codes' elements, ascending; integers with the one below their grid.
std::vector<float> elements_of(const Format& format) {
  std::vector<float> elements = levels_of(format.grid).levels;
  if (is_uniform(format.grid))
    elements.insert(elements.begin(), elements.front() - 1);
  return elements;
}

/// Whether value = element * scale in fp32 for some element: the nearest below or the next, since
/// the division may round. The elements are few or evenly spaced.
bool is_on_grid(float value, float scale, const std::vector<float>& elements) {
  const float ratio = value / scale;
  const bool even = elements.size() > 32 && elements[1] - elements[0] == 1; // integers
  const auto place =
      even ? std::clamp<std::ptrdiff_t>(std::lround(ratio - elements[0]), 0,
                                        std::ssize(elements) - 1)
           : std::lower_bound(elements.begin(), elements.end(), ratio) - elements.begin();
  return (place < std::ssize(elements) && elements[place] * scale == value) ||
         (place > 0 && elements[place - 1] * scale == value);
}

bool holds(std::span<const float> values, float scale, const std::vector<float>& elements) {
  return std::all_of(values.begin(), values.end(),
                     [&](float value) { return is_on_grid(value, scale, elements); });
}

/// The scales that may map `element` to `value`: the nearest one that the rule knows, and its
/// neighbours in fp32 where it knows all.
std::vector<float> candidates(float value, float element, const Format& format) {
  const float nearest = nearest_scale(std::fabs(value / element), format.rule);
  const float sign = (value > 0) == (element > 0) ? 1 : -1;
  if (format.scale_type() != ScaleType::fp32)
    return {sign * nearest};
  return {sign * nearest, sign * std::nextafter(nearest, 0.0f),
          sign * std::nextafter(nearest, INFINITY)};
}

/// The scale with this sign; NaN: none.
float scale_with_sign(std::span<const float> values, float largest, bool positive,
                      const Format& format, const std::vector<float>& elements) {
  for (auto element = elements.rbegin(); element != elements.rend(); ++element)
    if (*element != 0 && ((*element > 0) == (largest > 0)) == positive)
      for (const float scale : candidates(largest, *element, format))
        if (scale != 0 && holds(values, scale, elements))
          return scale;
  return NAN;
}

/// NaN: none.
float scale_of(std::span<const float> values, const Format& format,
               const std::vector<float>& elements) {
  const auto largest = std::max_element(
      values.begin(), values.end(), [](float a, float b) { return std::fabs(a) < std::fabs(b); });
  if (!std::isfinite(*largest))
    return NAN;
  if (*largest == 0)
    return nearest_scale(1, format.rule);
  const float scale = scale_with_sign(values, *largest, true, format, elements);
  const bool signed_too = is_uniform(format.grid) && format.rule.scale_grid;
  return std::isnan(scale) && signed_too
             ? scale_with_sign(values, *largest, false, format, elements)
             : scale;
}

} // namespace

std::optional<Tensor> scales_on_grid(const Tensor& values, const Format& format) {
  const std::int64_t rows = values.size(0), columns = values.size(1),
                     block = format.block > 0 ? format.block : columns;
  if (columns % block != 0)
    return std::nullopt;
  constexpr std::int64_t telling = 4; // that tell most weights apart before all is read
  if (rows > telling && !scales_on_grid(values.slice(0, 0, telling), format))
    return std::nullopt;
  const Tensor from = values.to(at::kFloat).contiguous();
  Tensor scales = at::empty({rows, columns / block}, at::kFloat);
  const std::vector<float> elements = elements_of(format);
  const auto length = static_cast<std::size_t>(block);
  std::atomic<bool> all = true;
  at::parallel_for(0, scales.numel(), 256, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t b = begin; b < end && all; ++b) {
      const float scale =
          scale_of({from.const_data_ptr<float>() + b * block, length}, format, elements);
      scales.mutable_data_ptr<float>()[b] = scale;
      if (std::isnan(scale))
        all = false;
    }
  });
  return all ? std::optional(scales) : std::nullopt;
}

} // namespace latticelens
