// Formats of 4-bit codes into a table: IQ4 and the microscaling FP4 formats.
#include "tensor/gguf_block_layouts.h"
#include "tensor/gguf_decoders.h"
#include <limits>

namespace latticelens::gguf {
namespace {

/// `bytes` low nibbles, then as many high ones, through the table.
template<int bytes>
void look_up(const std::uint8_t* nibbles, const int (&table)[16], float scale, float* out) {
  for (int j = 0; j < bytes; ++j) {
    out[j] = static_cast<float>(table[nibbles[j] & 15]) * scale;
    out[j + bytes] = static_cast<float>(table[nibbles[j] >> 4]) * scale;
  }
}

/// 2^(exponent - 128): half of the E8M0 value, for the doubled table. 255 is NaN, as OCP says.
float half_e8m0(std::uint8_t exponent) {
  if (exponent == 255)
    return std::numeric_limits<float>::quiet_NaN();
  if (exponent < 2) // 2^-128 and 2^-127 are subnormal
    return std::bit_cast<float>(0x00200000u << exponent);
  return std::bit_cast<float>(static_cast<std::uint32_t>(exponent - 1) << 23);
}

/// Half of the E4M3 value, for the doubled table. The sign is ignored and NaN is 0, as in ggml.
float half_e4m3(std::uint8_t bits) {
  const int exponent = bits >> 3 & 15, mantissa = bits & 7;
  if ((bits & 127) == 127)
    return 0;
  if (exponent == 0)
    return static_cast<float>(mantissa) * 0x1p-10f;
  return std::bit_cast<float>(static_cast<std::uint32_t>(exponent + 119) << 23 |
                              static_cast<std::uint32_t>(mantissa) << 20);
}

} // namespace

void decode_iq4_nl(Bytes blocks, Values values) {
  for_each_block<Iq4Nl, 32>(blocks, values, [](const Iq4Nl& block, float* out) {
    look_up<16>(block.nibbles, nonlinear, half_to_float(block.scale), out);
  });
}

void decode_iq4_xs(Bytes blocks, Values values) {
  for_each_block<Iq4Xs, 256>(blocks, values, [](const Iq4Xs& block, float* out) {
    const float scale = half_to_float(block.scale);
    for (int j = 0; j < 8; ++j) { // sub-blocks of 32
      const int low = block.scales_low[j / 2] >> (j % 2 * 4) & 15;
      const int code = low | (block.scales_high >> (2 * j) & 3) << 4;
      look_up<16>(block.nibbles + 16 * j, nonlinear, scale * static_cast<float>(code - 32),
                  out + 32 * j);
    }
  });
}

void decode_mxfp4(Bytes blocks, Values values) {
  for_each_block<Mxfp4, 32>(blocks, values, [](const Mxfp4& block, float* out) {
    look_up<16>(block.nibbles, doubled_e2m1, half_e8m0(block.exponent), out);
  });
}

void decode_nvfp4(Bytes blocks, Values values) {
  for_each_block<Nvfp4, 64>(blocks, values, [](const Nvfp4& block, float* out) {
    for (int j = 0; j < 4; ++j)
      look_up<8>(block.nibbles + 8 * j, doubled_e2m1, half_e4m3(block.scales[j]), out + 16 * j);
  });
}

} // namespace latticelens::gguf
