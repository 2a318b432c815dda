// The scale of a block of values by search: several candidates, judged by the weighted squared
// error. Facts: https://github.com/ggml-org/ggml (which candidates its quantizers try).
#pragma once
#include <span>

namespace latticelens::gguf {

using Numbers = std::span<const float>;

/// value = scale * code + minimum.
struct AffineScale {
  float scale = 0, minimum = 0;
};

/// The nearest integer, ties to even.
int nearest_integer(float value);

/// For codes lowest .. -lowest - 1. weights: one for each value. 0 when all values are tiny.
float search_symmetric_scale(Numbers values, Numbers weights, int lowest);

/// Which code ranges beside `most` are tried: most + first + i * step for i = 0 .. count.
struct AffineSearch {
  int most = 15; // codes 0 .. most
  float first = -1, step = 0.1f;
  int count = 20;
};
/// minimum <= 0: these formats store its magnitude.
AffineScale search_affine_scale(Numbers values, Numbers weights, const AffineSearch& search);

/// For codes into an ascending table; `tries` on both sides of the table's first entry.
float search_table_scale(Numbers values, Numbers weights, std::span<const int> table, int tries);

/// The nearest entry's index in an ascending table, the upper one on a tie.
int nearest_index(std::span<const int> table, float value);

} // namespace latticelens::gguf
