#include "lattice/reduction_segment.h"

#include <algorithm>
#include <cmath>

namespace latticelens {
namespace {

class Reducer {
 public:
  Reducer(Segment& segment, double delta, std::int64_t depth)
      : s_(segment), n_(segment.size), delta_(delta), depth_(depth) {}

  void run() {
    std::int64_t k = 1;
    while (k < n_) {
      reduce_size(k);
      const std::int64_t place = place_for(k);
      if (place == k) {
        ++k;
        continue;
      }
      insert(k, place);
      ++s_.insertions;
      k = std::max<std::int64_t>(place, 1);
    }
  }

 private:
  double* column(std::vector<double>& matrix, std::int64_t k) { return &matrix[k * n_]; }

  /// Against all vectors of the segment: what is left unreduced would grow with every insertion.
  void reduce_size(std::int64_t k) {
    for (std::int64_t j = k - 1; j >= 0; --j) {
      const double times = std::nearbyint(s_.at(s_.r, j, k) / s_.at(s_.r, j, j));
      if (times == 0)
        continue;
      subtract(column(s_.r, k), column(s_.r, j), times, j + 1);
      subtract(column(s_.u, k), column(s_.u, j), times, n_);
    }
  }

  static void subtract(double* to, const double* from, double times, std::int64_t count) {
    for (std::int64_t i = 0; i < count; ++i)
      to[i] -= times * from[i];
  }

  /// The first place within reach where vector k, projected, is clearly shorter than what is there.
  std::int64_t place_for(std::int64_t k) {
    double square = std::pow(s_.at(s_.r, k, k), 2);
    std::int64_t best = k;
    for (std::int64_t i = k - 1; i >= std::max<std::int64_t>(0, k - depth_); --i) {
      square += std::pow(s_.at(s_.r, i, k), 2);
      if (delta_ * std::pow(s_.at(s_.r, i, i), 2) > square)
        best = i;
    }
    return best;
  }

  void insert(std::int64_t k, std::int64_t place) {
    for (std::int64_t i = k; i > place; --i) {
      std::swap_ranges(column(s_.r, i), column(s_.r, i) + n_, column(s_.r, i - 1));
      std::swap_ranges(column(s_.u, i), column(s_.u, i) + n_, column(s_.u, i - 1));
      rotate(i - 1);
    }
  }

  /// Makes the entry below (i, i) zero again, and both diagonals positive.
  void rotate(std::int64_t i) {
    const double a = s_.at(s_.r, i, i), b = s_.at(s_.r, i + 1, i), length = std::hypot(a, b);
    const double c = a / length, s = b / length;
    const double determinant = c * s_.at(s_.r, i + 1, i + 1) - s * s_.at(s_.r, i, i + 1);
    const double sign = determinant < 0 ? -1 : 1;
    for (std::int64_t j = i; j < n_; ++j)
      turn(s_.at(s_.r, i, j), s_.at(s_.r, i + 1, j), c, s, sign);
    s_.at(s_.r, i + 1, i) = 0;
    for (std::int64_t row = 0; row < n_; ++row)
      turn(s_.at(s_.q, row, i), s_.at(s_.q, row, i + 1), c, s, sign);
  }

  static void turn(double& x, double& y, double c, double s, double sign) {
    const double first = c * x + s * y;
    y = sign * (c * y - s * x);
    x = first;
  }

  Segment& s_;
  std::int64_t n_;
  double delta_;
  std::int64_t depth_;
};

} // namespace

Segment::Segment(std::int64_t n) : size(n), r(n * n), q(n * n), u(n * n) {
  for (std::int64_t i = 0; i < n; ++i)
    q[i * n + i] = u[i * n + i] = 1;
}

void reduce_segment(Segment& segment, double delta, std::int64_t depth) {
  Reducer(segment, delta, depth).run();
}

} // namespace latticelens
