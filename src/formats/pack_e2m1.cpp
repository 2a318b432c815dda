// E2M1 codes as nibbles: bit 3 the sign, bits 0-2 the index of the magnitude in 0 0.5 1 1.5 2 3
// 4 6.
#include "core/error.h"
#include "formats/format.h"
#include <ATen/ATen.h>
#include <bit>

namespace latticelens {
namespace {

constexpr float magnitudes[8] = {0, 0.5f, 1, 1.5f, 2, 3, 4, 6};
constexpr std::uint8_t code_of_doubled[13] = {0, 1, 2, 3, 4, 0, 5, 0, 6, 0, 0, 0, 7};

std::uint8_t encode(float value, float scale) {
  const float element = value / scale;
  const auto code = code_of_doubled[static_cast<int>(2 * std::fabs(element))];
  return static_cast<std::uint8_t>(element < 0 ? code | 8 : code);
}

float power_of_two(std::uint8_t e8m0) {
  return e8m0 == 0 ? 0x1p-127f : std::bit_cast<float>(static_cast<std::uint32_t>(e8m0) << 23);
}

std::uint8_t e8m0(float scale) {
  return static_cast<std::uint8_t>(std::ilogb(scale) + 127);
}

} // namespace

PackedWeight pack_e2m1(const Tensor& values, const Tensor& scales) {
  const Tensor from = values.contiguous(), steps = scales.contiguous();
  const std::int64_t rows = from.size(0), columns = from.size(1), blocks = steps.size(1),
                     block = columns / blocks;
  PackedWeight packed{at::empty({rows, columns / 2}, at::kByte),
                      at::empty({rows, blocks}, at::kByte)};
  const float *value = from.const_data_ptr<float>(), *step = steps.const_data_ptr<float>();
  auto *code = packed.codes.mutable_data_ptr<std::uint8_t>(),
       *scale = packed.scales.mutable_data_ptr<std::uint8_t>();
  for (std::int64_t i = 0; i < rows * blocks; ++i, ++step) {
    *scale++ = e8m0(*step);
    for (std::int64_t j = 0; j < block; j += 2, value += 2)
      *code++ = static_cast<std::uint8_t>(encode(value[0], *step) | encode(value[1], *step) << 4);
  }
  return packed;
}

Tensor unpack_e2m1(const PackedWeight& packed, const std::string& where) {
  const Tensor codes = packed.codes.contiguous(), scales = packed.scales.contiguous();
  const bool fits = codes.dim() == 2 && scales.dim() == 2 && codes.scalar_type() == at::kByte &&
                    scales.scalar_type() == at::kByte && codes.size(0) == scales.size(0) &&
                    codes.size(1) == scales.size(1) * 16;
  require(fits, "mxfp4",
          where +
              ": packed weight and scale do not fit together (U8 [out, in/2] and U8 [out, in/32])");
  Tensor values = at::empty({codes.size(0), codes.size(1) * 2}, at::kFloat);
  const auto *code = codes.const_data_ptr<std::uint8_t>(),
             *scale = scales.const_data_ptr<std::uint8_t>();
  float* value = values.mutable_data_ptr<float>();
  for (std::int64_t i = 0; i < scales.numel(); ++i) {
    require(scale[i] != 255, "mxfp4",
            where + ": a block scale is NaN (E8M0 code 255); the file is damaged");
    const float step = power_of_two(scale[i]);
    for (int j = 0; j < 32; ++j) {
      const int nibble = (*code >> (j % 2 * 4)) & 15;
      const float magnitude = magnitudes[nibble & 7] * step;
      *value++ = nibble & 8 ? -magnitude : magnitude;
      code += j % 2;
    }
  }
  return values;
}

} // namespace latticelens
