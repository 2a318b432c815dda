// Whether values are numbers: one pass over their bits.
#pragma once
#include <cstdint>
#include <span>

namespace latticelens {

bool all_finite(std::span<const float> values);

/// Floats of 16 bits; exponent: the bits that are all set in infinities and NaNs (0x7c00 of fp16,
/// 0x7f80 of bf16).
bool all_finite(std::span<const std::uint16_t> values, std::uint16_t exponent);

} // namespace latticelens
