#include "kernels/walsh_hadamard.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/walsh_hadamard.cpp"
#include <hwy/foreach_target.h> // compiles this file once for each instruction set

#include "kernels/block_vectors-inl.h"
#include <bit>
#include <cmath>
#include <vector>

HWY_BEFORE_NAMESPACE();
namespace latticelens::HWY_NAMESPACE {

void transform_blocks_of_32(float* values, std::int64_t count) {
  for (std::int64_t start = 0; start < count; start += 32) {
    BlockVectors block = load_block(values + start);
    walsh_hadamard_block(block);
    store_block(block, values + start);
  }
}

#if HWY_TARGET == HWY_SCALAR

void transform(float* values, std::int64_t count, std::int64_t block) {
  if (block == 32) // as the bytes of every other instruction set
    return transform_blocks_of_32(values, count);
  reference::walsh_hadamard({values, static_cast<std::size_t>(count)}, block);
}

#else

using Quad = hn::FixedTag<float, 4>;

void butterflies(float* block, std::int64_t size, std::int64_t stride) {
  const Quad d;
  for (std::int64_t start = 0; start < size; start += 2 * stride)
    for (std::int64_t i = start; i < start + stride; i += 4) {
      const auto a = hn::LoadU(d, block + i), b = hn::LoadU(d, block + i + stride);
      hn::StoreU(hn::Add(a, b), d, block + i);
      hn::StoreU(hn::Sub(a, b), d, block + i + stride);
    }
}

// Strides 1 and 2 inside a vector of four, and the normalisation.
void first_two_strides(float* block, std::int64_t size, float factor) {
  const Quad d;
  HWY_ALIGN const float odd_signs[4] = {1, -1, 1, -1}, high_signs[4] = {1, 1, -1, -1};
  const auto odd = hn::Load(d, odd_signs), high = hn::Load(d, high_signs),
             scale = hn::Set(d, factor);
  for (std::int64_t i = 0; i < size; i += 4) {
    auto x = hn::Mul(hn::LoadU(d, block + i), scale);
    x = hn::Add(hn::Mul(x, odd), hn::Shuffle2301(x));
    x = hn::Add(hn::Mul(x, high), hn::Shuffle1032(x));
    hn::StoreU(x, d, block + i);
  }
}

void transform(float* values, std::int64_t count, std::int64_t block) {
  if (block == 32)
    return transform_blocks_of_32(values, count);
  const float factor = 1 / std::sqrt(static_cast<float>(block));
  for (std::int64_t start = 0; start < count; start += block) {
    first_two_strides(values + start, block, factor);
    for (std::int64_t stride = 4; stride < block; stride *= 2)
      butterflies(values + start, block, stride);
  }
}

#endif
} // namespace latticelens::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace latticelens {

HWY_EXPORT(transform);

void walsh_hadamard(std::span<float> values, std::int64_t block) {
  if (block < 4)
    return reference::walsh_hadamard(values, block);
  HWY_DYNAMIC_DISPATCH(transform)(values.data(), static_cast<std::int64_t>(values.size()), block);
}

namespace reference {

void walsh_hadamard(std::span<float> values, std::int64_t block) {
  const double factor = 1 / std::sqrt(static_cast<double>(block));
  std::vector<double> sums(block);
  for (std::size_t start = 0; start < values.size(); start += static_cast<std::size_t>(block)) {
    for (std::int64_t j = 0; j < block; ++j) {
      sums[j] = 0;
      for (std::int64_t i = 0; i < block; ++i)
        sums[j] += std::popcount(static_cast<std::uint64_t>(i & j)) % 2 ? -values[start + i]
                                                                        : values[start + i];
    }
    for (std::int64_t j = 0; j < block; ++j)
      values[start + j] = static_cast<float>(sums[j] * factor);
  }
}

} // namespace reference
} // namespace latticelens
#endif
