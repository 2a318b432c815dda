#include "kernels/byte_scores.h"

#include <cmath>
#include <cstring>

namespace latticelens {
namespace {

constexpr int offset = 128;
constexpr float largest_code = 127;

float largest_magnitude(std::span<const float> x) {
  float largest = 0;
  for (const float value : x)
    largest = std::max(largest, std::fabs(value));
  return largest;
}

/// The step of a row; a row of zeros has any.
float step_of(std::span<const float> x) {
  const float largest = largest_magnitude(x);
  return largest > 0 ? largest / largest_code : 1;
}

int code_of(float value, float inverse_step) {
  return static_cast<int>(std::lrint(value * inverse_step));
}

/// The place of column `k` of row `j` in a strip's codes.
std::int64_t place_of(std::int64_t j, std::int64_t k) {
  return k / 4 * 4 * score_strip_rows + j * 4 + k % 4;
}

template<class T>
T number_at(const std::uint8_t* bytes, std::int64_t i) {
  T value;
  std::memcpy(&value, bytes + i * static_cast<std::int64_t>(sizeof(T)), sizeof(T));
  return value;
}

template<class T>
void put(std::uint8_t* bytes, std::int64_t i, T value) {
  std::memcpy(bytes + i * static_cast<std::int64_t>(sizeof(T)), &value, sizeof(T));
}

} // namespace

namespace reference {

float encode_scored_row(std::span<const float> x, std::uint8_t* codes) {
  const float step = step_of(x), inverse = 1 / step;
  const auto columns = static_cast<std::int64_t>(x.size());
  for (std::int64_t k = 0; k < columns; ++k)
    codes[k] = static_cast<std::uint8_t>(code_of(x[static_cast<std::size_t>(k)], inverse) + offset);
  std::fill(codes + columns, codes + score_row_bytes(columns), std::uint8_t{offset});
  return step;
}

void pack_score_strip(const float* matrix, std::int64_t rows, std::int64_t columns,
                      const float* bias, std::uint8_t* strip) {
  const std::int64_t width = score_row_bytes(columns);
  std::memset(strip, 0, static_cast<std::size_t>(score_strip_rows * width));
  std::uint8_t* const numbers = strip + score_strip_rows * width;
  for (std::int64_t j = 0; j < score_strip_rows; ++j) {
    std::int32_t sum = 0;
    float step = 0, added = -std::numeric_limits<float>::infinity();
    if (j < rows) {
      const std::span<const float> row(matrix + j * columns, static_cast<std::size_t>(columns));
      step = step_of(row);
      added = bias[j];
      const float inverse = 1 / step;
      for (std::int64_t k = 0; k < columns; ++k) {
        const int code = code_of(row[static_cast<std::size_t>(k)], inverse);
        sum += code;
        strip[place_of(j, k)] = static_cast<std::uint8_t>(static_cast<std::int8_t>(code));
      }
    }
    put(numbers, j, -offset * sum);
    put(numbers, score_strip_rows + j, step);
    put(numbers, 2 * score_strip_rows + j, added);
  }
}

float byte_score(std::int64_t columns, const std::uint8_t* codes, float step,
                 const std::uint8_t* strip, std::int64_t j) {
  const std::int64_t width = score_row_bytes(columns);
  const std::uint8_t* const numbers = strip + score_strip_rows * width;
  std::int32_t dot = number_at<std::int32_t>(numbers, j);
  for (std::int64_t k = 0; k < width; ++k)
    dot += codes[k] * static_cast<std::int8_t>(strip[place_of(j, k)]);
  const float both = number_at<float>(numbers, score_strip_rows + j) * step;
  return std::fma(static_cast<float>(dot), both,
                  number_at<float>(numbers, 2 * score_strip_rows + j));
}

void add_scores(std::int64_t rows, std::int64_t columns, const std::uint8_t* codes,
                const float* steps, const std::uint8_t* strip, std::int32_t first,
                CandidateList* lists) {
  for (std::int64_t i = 0; i < rows; ++i)
    for (std::int64_t j = 0; j < score_strip_rows; ++j) {
      const float score =
          byte_score(columns, codes + i * score_row_bytes(columns), steps[i], strip, j);
      if (score > lists[i].bar())
        lists[i].add(score, first + static_cast<std::int32_t>(j));
    }
}

} // namespace reference
} // namespace latticelens
