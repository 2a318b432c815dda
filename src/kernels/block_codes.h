// Codes of blocks of 32 values that share a scale: the inner loops of writing GGUF's simplest
// types.
#pragma once
#include <cstdint>
#include <span>

namespace latticelens {

inline constexpr std::size_t code_block = 32;

/// Of every block the value of the largest magnitude, with its sign; the first of equals. x: whole
/// blocks of finite values, as below.
void extreme_values(std::span<const float> x, std::span<float> extremes /*one a block*/);

/// x times its block's factor, rounded to the nearest integer, ties away from zero; within ±127.
void rounded_codes(std::span<const float> x, std::span<const float> factors,
                   std::span<std::int8_t> codes);

/// The integer part of x times its block's factor plus offset, within 0 and most.
void offset_codes(std::span<const float> x, std::span<const float> factors, float offset, int most,
                  std::span<std::uint8_t> codes);

/// How many of the seven ends, ascending and multiplied by the block's scale, lie below |x|; 8 more
/// where x is negative and this is not 0.
void magnitude_codes(std::span<const float> x, std::span<const float> scales,
                     std::span<const float, 7> ends, std::span<std::uint8_t> codes);

namespace reference {
void extreme_values(std::span<const float> x, std::span<float> extremes);
void rounded_codes(std::span<const float> x, std::span<const float> factors,
                   std::span<std::int8_t> codes);
void offset_codes(std::span<const float> x, std::span<const float> factors, float offset, int most,
                  std::span<std::uint8_t> codes);
void magnitude_codes(std::span<const float> x, std::span<const float> scales,
                     std::span<const float, 7> ends, std::span<std::uint8_t> codes);
} // namespace reference

} // namespace latticelens
