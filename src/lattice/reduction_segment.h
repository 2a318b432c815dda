// LLL on one small segment of a basis, in cache.
#pragma once
#include <cstdint>
#include <vector>

namespace latticelens {

/// A square upper triangular piece of the basis and what reduction does to it: R' = Qᵀ R U. All
/// column-major [size, size].
struct Segment {
  explicit Segment(std::int64_t n);
  std::int64_t size;
  std::vector<double> r, q, u; // u holds integers
  std::int64_t insertions = 0;

  double& at(std::vector<double>& matrix, std::int64_t row, std::int64_t column) const {
    return matrix[column * size + row];
  }
};

/// Reduces the segment until every vector meets the condition against those up to `depth` before
/// it.
void reduce_segment(Segment& segment, double delta, std::int64_t depth);

} // namespace latticelens
