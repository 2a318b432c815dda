// What the encoder files share: one function per block format, the walk over blocks, fp16.
#pragma once
#include "tensor/gguf_scale_search.h"
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace latticelens::gguf {

using Blocks = std::span<std::byte>;

/// IEEE half bits, nearest, ties to even. Error: a finite value beyond fp16's range.
std::uint16_t half_bits(float value);

/// What to encode. weights: how much each value counts when a scale is searched, or empty: as
/// ggml's own quantizer without an importance matrix has it, byte for byte.
void encode_f32(Numbers values, Numbers weights, Blocks blocks);
void encode_f16(Numbers values, Numbers weights, Blocks blocks);
void encode_bf16(Numbers values, Numbers weights, Blocks blocks);
void encode_q4_0(Numbers values, Numbers weights, Blocks blocks);
void encode_q4_1(Numbers values, Numbers weights, Blocks blocks);
void encode_q5_0(Numbers values, Numbers weights, Blocks blocks);
void encode_q5_1(Numbers values, Numbers weights, Blocks blocks);
void encode_q8_0(Numbers values, Numbers weights, Blocks blocks);
void encode_q4_k(Numbers values, Numbers weights, Blocks blocks);
void encode_q5_k(Numbers values, Numbers weights, Blocks blocks);
void encode_q6_k(Numbers values, Numbers weights, Blocks blocks);
void encode_iq4_nl(Numbers values, Numbers weights, Blocks blocks);
void encode_mxfp4(Numbers values, Numbers weights, Blocks blocks);
void encode_nvfp4(Numbers values, Numbers weights, Blocks blocks);

/// Calls encode(values, weights, block) for every block.
template<typename Block, std::size_t values_per_block, typename Encode>
void for_each_encoded(Numbers values, Numbers weights, Blocks blocks, Encode encode) {
  const std::size_t count = blocks.size() / sizeof(Block);
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t first = i * values_per_block;
    const Block block =
        encode(values.subspan(first, values_per_block),
               weights.empty() ? weights : weights.subspan(first, values_per_block));
    std::memcpy(blocks.data() + i * sizeof block, &block, sizeof block);
  }
}

} // namespace latticelens::gguf
