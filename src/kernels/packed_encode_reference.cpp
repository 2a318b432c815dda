#include "kernels/packed_encode.h"
#include "kernels/packed_strip.h"
#include <cmath>
#include <cstring>
#include <vector>

namespace latticelens::reference {
namespace {

/// Each block times H / sqrt(32), in the kernel's order of additions, which decides the bits.
void butterflies(std::vector<float>& values) {
  for (float& value : values)
    value *= 1 / std::sqrt(static_cast<float>(e2m1_block));
  for (std::size_t stride = 1; stride < e2m1_block; stride *= 2)
    for (std::size_t i = 0; i < values.size(); ++i)
      if ((i & stride) == 0) {
        const float a = values[i], b = values[i + stride];
        values[i] = a + b;
        values[i + stride] = a - b;
      }
}

/// One row in the new basis, about zero.
std::vector<float> rotated(std::span<const float> row, const BlockTransform& transform) {
  std::vector<float> values(row.begin(), row.end());
  if (transform.matrices) {
    for (std::size_t i = 0; i < values.size(); ++i) {
      const std::size_t first = i / e2m1_block * e2m1_block;
      values[i] = 0;
      for (std::size_t k = 0; k < e2m1_block; ++k)
        values[i] = std::fma(transform.matrices[(first + k) * e2m1_block + i - first],
                             row[first + k], values[i]);
    }
    return values;
  }
  if (transform.signs)
    for (std::size_t i = 0; i < values.size(); ++i)
      values[i] *= transform.signs[i];
  if (transform.walsh_hadamard)
    butterflies(values);
  return values;
}

/// One row in the new basis, about the centre.
std::vector<float> transformed(std::span<const float> row, const BlockTransform& transform) {
  std::vector<float> values = rotated(row, transform);
  if (transform.centre)
    for (std::size_t i = 0; i < values.size(); ++i)
      values[i] -= transform.centre[i];
  return values;
}

} // namespace

SnapCounts encode_row(std::span<const float> values, const ScaleRule& rule, const ElementGrid& grid,
                      std::uint8_t* encoded) {
  SnapCounts counts;
  for (std::size_t first = 0; first < values.size(); first += e2m1_block) {
    std::vector<float> block(values.begin() + first, values.begin() + first + e2m1_block);
    const float scale = fit_block(block, rule, grid);
    counts += snap_block(block, scale, grid);
    for (std::size_t i = 0; i < e2m1_block; ++i) {
      const double snapped = std::isnan(scale) ? 0 : snap(values[first + i] / scale, grid);
      encoded[first + i] = static_cast<std::uint8_t>(encoded_zero + static_cast<int>(2 * snapped));
    }
    std::memcpy(encoded + values.size() + first / e2m1_block * 4, &scale, 4);
  }
  return counts;
}

SnapCounts encode_rows(std::int64_t rows, std::int64_t columns, const float* values,
                       const BlockTransform& transform, const ScaleRule& rule,
                       const ElementGrid& grid, std::uint8_t* encoded) {
  SnapCounts counts;
  for (std::int64_t i = 0; i < rows; ++i)
    counts += reference::encode_row(
        transformed({values + i * columns, static_cast<std::size_t>(columns)}, transform), rule,
        grid, encoded + i * encoded_bytes(columns));
  return counts;
}

} // namespace latticelens::reference
