// The softmax of a strip, which stands between the two products of attention, and the logarithms
// that a row of logits is normalised by.
#pragma once
#include <cstdint>

namespace latticelens {

/// strip [rows, strip_width], without gaps: each column becomes exp(x - its largest), and sums
/// [strip_width] the sums of the columns. A column needs one finite value; minus infinity becomes
/// zero.
void exponentials_of_columns(std::int64_t rows, float* strip, float* sums);

/// Of each row of x [rows, width], without gaps: log Σ exp(x). A row needs one finite value; NaN
/// gives NaN.
void log_sums_of_exponentials(std::int64_t rows, std::int64_t width, const float* x,
                              double* logarithms);

namespace reference {
void exponentials_of_columns(std::int64_t rows, float* strip, float* sums);
void log_sums_of_exponentials(std::int64_t rows, std::int64_t width, const float* x,
                              double* logarithms);
} // namespace reference

} // namespace latticelens
