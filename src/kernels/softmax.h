// The softmax of a strip: what stands between the two products of attention.
#pragma once
#include <cstdint>

namespace latticelens {

/// strip [rows, strip_width], without gaps: each column becomes exp(x - its largest), and sums
/// [strip_width] the sums of the columns. A column needs one finite value; minus infinity becomes
/// zero.
void exponentials_of_columns(std::int64_t rows, float* strip, float* sums);

namespace reference {
void exponentials_of_columns(std::int64_t rows, float* strip, float* sums);
} // namespace reference

} // namespace latticelens
