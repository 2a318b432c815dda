#include "kernels/packed_encode.h"

#include "kernels/packed_strip.h"
#include "kernels/walsh_hadamard.h"
#include <algorithm>
#include <cstring>
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/packed_encode.cpp"
#include <hwy/foreach_target.h> // compiles this file once for each instruction set

#include "kernels/block_vectors-inl.h"
#include "kernels/fit-inl.h"

HWY_BEFORE_NAMESPACE();
namespace latticelens::HWY_NAMESPACE {

// Blocks that go through each step together: a loop without calls keeps its constants in registers,
// and eight blocks of a row and the matrices that they meet stay in the first-level cache.
constexpr std::int64_t group = 8;

using Unsigned = hn::RebindToUnsigned<BlockTag>;

// Magnitudes compare as unsigned integers, and NaN as the largest.
HWY_INLINE std::uint32_t largest_of(const BlockVectors& block) {
  const Unsigned du;
  auto largest = hn::BitCast(du, hn::Abs(block.part[0]));
  HWY_UNROLL(8)
  for (int i = 1; i < block_parts; ++i)
    largest = hn::Max(largest, hn::BitCast(du, hn::Abs(block.part[i])));
  return hn::GetLane(hn::MaxOfLanes(du, largest));
}

/// Twice the nearest numbers of the grid.
template<Ties Rule>
HWY_INLINE hn::Vec<BlockTag> twice_snapped(hn::Vec<BlockTag> scaled,
                                           const GridVectors<BlockTag>& grid) {
  const BlockTag d;
  const Unsigned du;
  // Added to 1.5 * 2^22 times its binade, at least 1, a value is rounded to the binade's step: that
  // is what the last bit of the sum is worth.
  const auto value = hn::Max(hn::Min(scaled, grid.maximum), hn::Neg(grid.maximum));
  const auto power = hn::BitCast(d, hn::And(hn::BitCast(du, value), hn::Set(du, 0x7F800000u)));
  const auto binade = hn::Max(power, hn::Set(d, 1.0f));
  const auto large = hn::Mul(binade, hn::Set(d, 0x1.8p22f));
  const auto snapped = hn::Sub(hn::Add(value, large), large), twice = hn::Add(snapped, snapped);
  if constexpr (Rule == Ties::even)
    return twice;
  // Half a step that was taken off is a tie that went towards zero.
  const auto rest = hn::Sub(value, snapped),
             half = hn::CopySign(hn::Mul(binade, hn::Set(d, 0.25f)), value);
  return hn::IfThenElse(hn::Eq(rest, half), hn::MulAdd(rest, hn::Set(d, 4.0f), twice), twice);
}

/// Codes of blocks for given scales, powers of two or NaN.
template<Ties Rule>
SnapCounts write_codes(const float* values, std::int64_t blocks, const float* scales,
                       const GridVectors<BlockTag> grid, std::uint8_t* codes) {
  const BlockTag d;
  const Unsigned du;
  const hn::Rebind<std::uint8_t, BlockTag> bytes;
  // Added to twice a value, it leaves the byte in the lowest bits.
  const auto shift = hn::Set(d, 0x1p23f + encoded_zero);
  const auto low_byte = hn::Set(du, 255u);
  SnapCounts counts;
  for (std::int64_t b = 0; b < blocks; ++b, values += e2m1_block, codes += e2m1_block) {
    if (!(scales[b] > 0)) {
      std::memset(codes, encoded_zero, e2m1_block);
      counts.not_finite += e2m1_block;
      continue;
    }
    const auto inverse = hn::Set(d, 1 / scales[b]);
    HWY_UNROLL(8)
    for (int i = 0; i < block_parts; ++i) {
      const auto scaled = hn::Mul(hn::LoadU(d, values + i * block_lanes), inverse);
      counts.clipped +=
          static_cast<std::int64_t>(hn::CountTrue(d, hn::Gt(hn::Abs(scaled), grid.edge)));
      const auto code = hn::BitCast(du, hn::Add(twice_snapped<Rule>(scaled, grid), shift));
      // not TruncateTo: this Highway's is wrong for AVX3_DL
      hn::StoreU(hn::U8FromU32(hn::And(code, low_byte)), bytes, codes + i * block_lanes);
    }
  }
  return counts;
}

/// One call's rows.
struct RowsToEncode {
  std::int64_t columns;
  const float* values;
  const ScaleRule& rule;
  const ElementGrid& grid;
  GridVectors<BlockTag> vectors;
  std::uint8_t* encoded;

  std::int64_t blocks() const { return columns / e2m1_block; }
  const float* block(std::int64_t row, std::int64_t b) const {
    return values + row * columns + b * e2m1_block;
  }
  /// Blocks b .. b + count - 1 of a row, at most a group; `from` is what they became.
  SnapCounts encode(std::int64_t row, std::int64_t b, std::int64_t count, const float* from) const {
    std::uint8_t* to = encoded + row * encoded_bytes(columns);
    float* scales = reinterpret_cast<float*>(to + columns) + b;
    std::uint32_t largest[group];
    for (std::int64_t i = 0; i < count; ++i)
      largest[i] = largest_of(load_block(from + i * e2m1_block));
    for (std::int64_t i = 0; i < count; ++i)
      scales[i] = fit_to(largest[i], from + i * e2m1_block, e2m1_block, rule, grid);
    return vectors.away
               ? write_codes<Ties::away>(from, count, scales, vectors, to + b * e2m1_block)
               : write_codes<Ties::even>(from, count, scales, vectors, to + b * e2m1_block);
  }
};

SnapCounts encode_plain(std::int64_t rows, const RowsToEncode& of) {
  SnapCounts counts;
  for (std::int64_t row = 0; row < rows; ++row)
    for (std::int64_t b = 0; b < of.blocks(); b += group)
      counts += of.encode(row, b, std::min(group, of.blocks() - b), of.block(row, b));
  return counts;
}

HWY_INLINE void subtract_block(BlockVectors& block, const float* centre) {
  const BlockVectors other = load_block(centre);
  HWY_UNROLL(8)
  for (int i = 0; i < block_parts; ++i)
    block.part[i] = hn::Sub(block.part[i], other.part[i]);
}

/// Everything but matrices.
SnapCounts encode_rotated(std::int64_t rows, const BlockTransform& transform,
                          const RowsToEncode& of) {
  HWY_ALIGN float rotated[group * e2m1_block];
  SnapCounts counts;
  for (std::int64_t row = 0; row < rows; ++row)
    for (std::int64_t b = 0; b < of.blocks(); b += group) {
      const std::int64_t count = std::min(group, of.blocks() - b);
      for (std::int64_t i = 0; i < count; ++i) {
        BlockVectors block = load_block(of.block(row, b + i));
        if (transform.signs)
          multiply_block(block, transform.signs + (b + i) * e2m1_block);
        if (transform.walsh_hadamard)
          walsh_hadamard_block(block);
        if (transform.centre)
          subtract_block(block, transform.centre + (b + i) * e2m1_block);
        store_block(block, rotated + i * e2m1_block);
      }
      counts += of.encode(row, b, count, rotated);
    }
  return counts;
}

/// Blocks of `Rows` rows, `stride` apart, times a matrix [32, 32]: each element one chain of sums
/// in the order of the depth, as in kernels/product.
template<int Rows>
HWY_INLINE void multiply_rows(const float* from, std::int64_t stride, const float* matrix,
                              const float* centre, float* to, std::int64_t to_stride) {
  const BlockTag d;
  BlockVectors sums[Rows];
  HWY_UNROLL(4)
  for (int i = 0; i < Rows; ++i) {
    HWY_UNROLL(8)
    for (int v = 0; v < block_parts; ++v)
      sums[i].part[v] = hn::Zero(d);
  }
  for (std::int64_t k = 0; k < e2m1_block; ++k) {
    const BlockVectors right = load_block(matrix + k * e2m1_block);
    HWY_UNROLL(4)
    for (int i = 0; i < Rows; ++i) {
      const auto left = hn::Set(d, from[i * stride + k]);
      HWY_UNROLL(8)
      for (int v = 0; v < block_parts; ++v)
        sums[i].part[v] = hn::MulAdd(left, right.part[v], sums[i].part[v]);
    }
  }
  HWY_UNROLL(4)
  for (int i = 0; i < Rows; ++i) {
    if (centre)
      subtract_block(sums[i], centre);
    store_block(sums[i], to + i * to_stride);
  }
}

/// A group of blocks of `Rows` rows.
template<int Rows>
SnapCounts encode_multiplied_rows(std::int64_t row, std::int64_t b, const BlockTransform& transform,
                                  const RowsToEncode& of) {
  constexpr std::int64_t stride = group * e2m1_block;
  HWY_ALIGN float product[Rows * stride];
  const std::int64_t count = std::min(group, of.blocks() - b);
  for (std::int64_t i = 0; i < count; ++i)
    multiply_rows<Rows>(of.block(row, b + i), of.columns,
                        transform.matrices + (b + i) * e2m1_block * e2m1_block,
                        transform.centre ? transform.centre + (b + i) * e2m1_block : nullptr,
                        product + i * e2m1_block, stride);
  SnapCounts counts;
  for (std::int64_t i = 0; i < Rows; ++i)
    counts += of.encode(row + i, b, count, product + i * stride);
  return counts;
}

// Eight sums hide the latency of a sum and leave 16 registers room for a row of the matrix.
constexpr int rows_together = block_parts >= 8 ? 1 : 8 / block_parts;
// Rows whose values stay in the second-level cache while the matrices go by.
constexpr std::int64_t rows_at_once = 32;

SnapCounts encode_multiplied(std::int64_t rows, const BlockTransform& transform,
                             const RowsToEncode& of) {
  SnapCounts counts;
  for (std::int64_t first = 0; first < rows; first += rows_at_once)
    for (std::int64_t b = 0; b < of.blocks(); b += group) {
      const std::int64_t last = std::min(first + rows_at_once, rows);
      std::int64_t row = first;
      for (; row + rows_together <= last; row += rows_together)
        counts += encode_multiplied_rows<rows_together>(row, b, transform, of);
      for (; row < last; ++row)
        counts += encode_multiplied_rows<1>(row, b, transform, of);
    }
  return counts;
}

SnapCounts encode(std::int64_t rows, std::int64_t columns, const float* values,
                  const BlockTransform& transform, const ScaleRule& rule, const ElementGrid& grid,
                  std::uint8_t* encoded) {
  const RowsToEncode of{columns, values, rule, grid, GridVectors<BlockTag>(BlockTag(), grid),
                        encoded};
  if (transform.matrices)
    return encode_multiplied(rows, transform, of);
  return transform.walsh_hadamard || transform.centre ? encode_rotated(rows, transform, of)
                                                      : encode_plain(rows, of);
}

} // namespace latticelens::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace latticelens {

HWY_EXPORT(encode);

SnapCounts encode_rows(std::int64_t rows, std::int64_t columns, const float* values,
                       const BlockTransform& transform, const ScaleRule& rule,
                       const ElementGrid& grid, std::uint8_t* encoded) {
  return HWY_DYNAMIC_DISPATCH(encode)(rows, columns, values, transform, rule, grid, encoded);
}

SnapCounts encode_row(std::span<const float> values, const ScaleRule& rule, const ElementGrid& grid,
                      std::uint8_t* encoded) {
  return encode_rows(1, static_cast<std::int64_t>(values.size()), values.data(), {}, rule, grid,
                     encoded);
}

} // namespace latticelens
#endif
