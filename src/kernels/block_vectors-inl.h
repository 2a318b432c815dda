// A block of 32 values in registers, and its Walsh-Hadamard transform, for every instruction set;
// include only from files that foreach_target.h compiles many times.
#if defined(LATTICELENS_BLOCK_VECTORS_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef LATTICELENS_BLOCK_VECTORS_INL_H
#undef LATTICELENS_BLOCK_VECTORS_INL_H
#else
#define LATTICELENS_BLOCK_VECTORS_INL_H
#endif

#include <cmath>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace latticelens::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using BlockTag = hn::CappedTag<float, 16>;
constexpr int block_lanes = static_cast<int>(hn::MaxLanes(BlockTag()));
constexpr int block_parts = 32 / block_lanes;

struct BlockVectors {
  hn::Vec<BlockTag> part[block_parts];
};

HWY_INLINE BlockVectors load_block(const float* values) {
  BlockVectors block;
  HWY_UNROLL(8)
  for (int i = 0; i < block_parts; ++i)
    block.part[i] = hn::LoadU(BlockTag(), values + i * block_lanes);
  return block;
}

HWY_INLINE void store_block(const BlockVectors& block, float* values) {
  HWY_UNROLL(8)
  for (int i = 0; i < block_parts; ++i)
    hn::StoreU(block.part[i], BlockTag(), values + i * block_lanes);
}

HWY_INLINE void multiply_block(BlockVectors& block, const float* factors) {
  HWY_UNROLL(8)
  for (int i = 0; i < block_parts; ++i)
    block.part[i] = hn::Mul(block.part[i], hn::LoadU(BlockTag(), factors + i * block_lanes));
}

/// Each lane's partner at this distance.
template<int Stride>
HWY_INLINE hn::Vec<BlockTag> partners(hn::Vec<BlockTag> x) {
#if HWY_TARGET == HWY_SCALAR
  return x; // not called: a vector is one lane
#else
  if constexpr (Stride == 1)
    return hn::Shuffle2301(x);
  else if constexpr (Stride == 2)
    return hn::Shuffle1032(x);
  else if constexpr (Stride == 4)
    return hn::SwapAdjacentBlocks(x);
  else
    return hn::ReverseBlocks(BlockTag(), hn::SwapAdjacentBlocks(x));
#endif
}

/// Sums and differences of lanes `Stride` apart.
template<int Stride>
HWY_INLINE void butterflies(BlockVectors& block) {
  const BlockTag d;
  if constexpr (Stride < block_lanes) {
    const hn::RebindToSigned<BlockTag> di;
    const auto upper = hn::Ne(hn::And(hn::Iota(di, 0), hn::Set(di, Stride)), hn::Zero(di));
    const auto one = hn::Set(d, 1.0f);
    const auto signs = hn::IfThenElse(hn::RebindMask(d, upper), hn::Neg(one), one);
    HWY_UNROLL(8)
    for (int i = 0; i < block_parts; ++i) // exact but for the sum: the same with and without fusing
      block.part[i] = hn::MulAdd(block.part[i], signs, partners<Stride>(block.part[i]));
  } else {
    constexpr int apart = Stride / block_lanes;
    HWY_UNROLL(8)
    for (int i = 0; i < block_parts; ++i)
      if ((i & apart) == 0) {
        const auto a = block.part[i], b = block.part[i + apart];
        block.part[i] = hn::Add(a, b);
        block.part[i + apart] = hn::Sub(a, b);
      }
  }
}

/// x H / sqrt(32): scaled first, then strides in ascending order.
HWY_INLINE void walsh_hadamard_block(BlockVectors& block) {
  const auto factor = hn::Set(BlockTag(), 1 / std::sqrt(32.0f));
  HWY_UNROLL(8)
  for (int i = 0; i < block_parts; ++i)
    block.part[i] = hn::Mul(block.part[i], factor);
  butterflies<1>(block);
  butterflies<2>(block);
  butterflies<4>(block);
  butterflies<8>(block);
  butterflies<16>(block);
}

} // namespace latticelens::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif
