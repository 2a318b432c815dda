// The Walsh-Hadamard transform of consecutive blocks, in place: additions only, log2(block) passes.
#pragma once
#include <cstdint>
#include <span>

namespace latticelens {

/// values: consecutive blocks of a power-of-two size. Each block x becomes x H / sqrt(block), H the
/// Sylvester matrix.
void walsh_hadamard(std::span<float> values, std::int64_t block);

namespace reference {
/// The definition, quadratic in the block.
void walsh_hadamard(std::span<float> values, std::int64_t block);
} // namespace reference

} // namespace latticelens
