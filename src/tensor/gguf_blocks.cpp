#include "tensor/gguf_blocks.h"

#include "tensor/gguf_decoders.h"
#include "tensor/gguf_encoders.h"
#include <algorithm>

namespace latticelens {
namespace {

using namespace gguf;

constexpr BlockType types[] = {{0, "F32", 1, 4, decode_f32, encode_f32},
                               {1, "F16", 1, 2, decode_f16, encode_f16},
                               {2, "Q4_0", 32, 18, decode_q4_0, encode_q4_0},
                               {3, "Q4_1", 32, 20, decode_q4_1, encode_q4_1},
                               {6, "Q5_0", 32, 22, decode_q5_0, encode_q5_0},
                               {7, "Q5_1", 32, 24, decode_q5_1, encode_q5_1},
                               {8, "Q8_0", 32, 34, decode_q8_0, encode_q8_0},
                               {10, "Q2_K", 256, 84, decode_q2_k},
                               {11, "Q3_K", 256, 110, decode_q3_k},
                               {12, "Q4_K", 256, 144, decode_q4_k, encode_q4_k},
                               {13, "Q5_K", 256, 176, decode_q5_k, encode_q5_k},
                               {14, "Q6_K", 256, 210, decode_q6_k, encode_q6_k},
                               {20, "IQ4_NL", 32, 18, decode_iq4_nl, encode_iq4_nl},
                               {23, "IQ4_XS", 256, 136, decode_iq4_xs},
                               {30, "BF16", 1, 2, decode_bf16, encode_bf16},
                               {39, "MXFP4", 32, 17, decode_mxfp4, encode_mxfp4},
                               {40, "NVFP4", 64, 36, decode_nvfp4, encode_nvfp4}};

} // namespace

std::span<const BlockType> block_types() {
  return types;
}

const BlockType* find_block_type(std::uint32_t number) {
  const auto* found = std::ranges::find(types, number, &BlockType::number);
  return found == std::end(types) ? nullptr : found;
}

const BlockType* find_block_type(std::string_view name) {
  const auto* found = std::ranges::find(types, name, &BlockType::name);
  return found == std::end(types) ? nullptr : found;
}

const BlockType* smaller_block_type(std::string_view name) {
  constexpr std::pair<std::string_view, std::string_view> smaller[] = {
      {"Q4_K", "Q5_0"}, {"Q5_K", "Q5_1"}, {"Q6_K", "Q8_0"}};
  for (const auto& [type, other] : smaller)
    if (type == name)
      return find_block_type(other);
  return nullptr;
}

std::string supported_block_types() {
  std::string text;
  for (const BlockType& type : types)
    text += (text.empty() ? "" : ", ") + std::string(type.name) + " (" +
            std::to_string(type.number) + ")";
  return text;
}

} // namespace latticelens
