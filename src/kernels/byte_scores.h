// Products of rows of bytes, to find which of many rows of a matrix have the largest products with
// a vector: four times the rate of fp32, and near enough to choose candidates for it.
#pragma once
#include "kernels/candidates.h"
#include <cstdint>
#include <span>

namespace latticelens {

/// Rows of the matrix that are packed together.
constexpr std::int64_t score_strip_rows = 48;

/// Whether this processor has the instructions (AVX-512 VNNI); elsewhere scores are made in fp32.
bool has_byte_scores();

/// Bytes of a vector of `columns` values, and of a strip of the matrix.
constexpr std::int64_t score_row_bytes(std::int64_t columns) {
  return (columns + 3) / 4 * 4;
}
constexpr std::int64_t score_strip_bytes(std::int64_t columns) {
  return score_strip_rows * (score_row_bytes(columns) + 4 + 4 + 4);
}

/// x [columns] as 128 + round(127 x / max|x|); the step, max|x| / 127.
float encode_scored_row(std::span<const float> x, std::uint8_t* codes);

/// Up to score_strip_rows rows [rows, columns] with a step each, and what is added to each row's
/// product; the rest of the strip has products of minus infinity.
void pack_score_strip(const float* matrix, std::int64_t rows, std::int64_t columns,
                      const float* bias, std::uint8_t* strip);

/// Scores of `rows` encoded vectors with a strip whose first row has the place `first`: those above
/// a list's bar go into it. steps [rows], lists [rows].
void add_scores(std::int64_t rows, std::int64_t columns, const std::uint8_t* codes,
                const float* steps, const std::uint8_t* strip, std::int32_t first,
                CandidateList* lists);

/// The obvious implementations.
namespace reference {
float encode_scored_row(std::span<const float> x, std::uint8_t* codes);
void pack_score_strip(const float* matrix, std::int64_t rows, std::int64_t columns,
                      const float* bias, std::uint8_t* strip);
/// The score of one encoded vector with row `j` of a strip, as the kernel has it.
float byte_score(std::int64_t columns, const std::uint8_t* codes, float step,
                 const std::uint8_t* strip, std::int64_t j);
void add_scores(std::int64_t rows, std::int64_t columns, const std::uint8_t* codes,
                const float* steps, const std::uint8_t* strip, std::int32_t first,
                CandidateList* lists);
} // namespace reference

} // namespace latticelens
