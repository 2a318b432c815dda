// Floats of 16 bits to fp32 and back, and how far two rows are apart: what conversions between file
// formats spend their time on.
#pragma once
#include <cstdint>
#include <span>

namespace latticelens {

/// bf16 bits, exact. Both of one length, as below.
void widen_bf16(std::span<const std::uint16_t> from, std::span<float> to);

/// IEEE half bits, exact, subnormals too, whatever the flush-to-zero mode.
void widen_half(std::span<const std::uint16_t> from, std::span<float> to);

/// To the nearest half, ties to even; NaN stays NaN. Returns false when a finite value became
/// infinite.
bool narrow_to_half(std::span<const float> from, std::span<std::uint16_t> to);

/// Sums in fp64 of (x - y)² and x²; the order of additions depends on the instruction set.
struct SquareSums {
  double difference = 0, energy = 0;
};
SquareSums square_sums(std::span<const float> x, std::span<const float> y);

namespace reference {
void widen_half(std::span<const std::uint16_t> from, std::span<float> to);
bool narrow_to_half(std::span<const float> from, std::span<std::uint16_t> to);
SquareSums square_sums(std::span<const float> x, std::span<const float> y);
} // namespace reference

} // namespace latticelens
