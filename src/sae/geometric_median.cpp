#include "sae/geometric_median.h"

#include "core/error.h"
#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

namespace latticelens {
namespace {

/// Rows that are summed one after the other; the partial sums are added in their order, so that
/// threads change nothing.
constexpr std::int64_t rows_per_task = 256;
/// Of the mean distance: a point nearer than this may be the median itself, which Weiszfeld's
/// iteration would only creep up to.
constexpr double near_point = 1e-3;

/// What one pass over the points says about a place y.
struct Pull {
  std::vector<double> direction; // Σ (x_i - y) / ‖x_i - y‖ over the points that are not y
  double weight = 0;             // Σ 1 / ‖x_i - y‖ over them
  double distances = 0;          // Σ ‖x_i - y‖
  double coincident = 0;         // points that are y
  double nearest_distance = std::numeric_limits<double>::infinity(); // of those that are not
  std::int64_t nearest = -1;

  explicit Pull(std::int64_t width) : direction(width) {}

  void add(std::int64_t row, const float* point, const double* y) {
    const auto width = static_cast<std::int64_t>(direction.size());
    double squares = 0;
    for (std::int64_t j = 0; j < width; ++j)
      squares += (point[j] - y[j]) * (point[j] - y[j]);
    const double distance = std::sqrt(squares);
    if (distance == 0) {
      ++coincident;
      return;
    }
    weight += 1 / distance;
    distances += distance;
    for (std::int64_t j = 0; j < width; ++j)
      direction[j] += (point[j] - y[j]) / distance;
    if (distance < nearest_distance) {
      nearest_distance = distance;
      nearest = row;
    }
  }

  void add(const Pull& other) {
    weight += other.weight;
    distances += other.distances;
    coincident += other.coincident;
    for (std::size_t j = 0; j < direction.size(); ++j)
      direction[j] += other.direction[j];
    if (other.nearest_distance < nearest_distance) {
      nearest_distance = other.nearest_distance;
      nearest = other.nearest;
    }
  }

  double norm() const {
    double squares = 0;
    for (const double value : direction)
      squares += value * value;
    return std::sqrt(squares);
  }
};

class Points {
 public:
  explicit Points(const Tensor& points)
      : points_(points.to(at::kFloat).contiguous()), rows_(points_.size(0)),
        width_(points_.size(1)) {}

  std::int64_t rows() const { return rows_; }
  const float* row(std::int64_t index) const {
    return points_.const_data_ptr<float>() + index * width_;
  }

  std::vector<double> mean() const {
    std::vector<double> sums(width_);
    for (std::int64_t i = 0; i < rows_; ++i)
      for (std::int64_t j = 0; j < width_; ++j)
        sums[j] += row(i)[j];
    for (double& sum : sums)
      sum /= static_cast<double>(rows_);
    return sums;
  }

  Pull pull_at(const std::vector<double>& y) const {
    const std::int64_t tasks = (rows_ + rows_per_task - 1) / rows_per_task;
    std::vector<Pull> parts(tasks, Pull(width_));
    at::parallel_for(0, tasks, 1, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t task = begin; task < end; ++task)
        for (std::int64_t i = task * rows_per_task; i < std::min(rows_, (task + 1) * rows_per_task);
             ++i)
          parts[task].add(i, row(i), y.data());
    });
    Pull whole(width_);
    for (const Pull& part : parts)
      whole.add(part);
    return whole;
  }

  double gradient(const Pull& pull) const {
    return std::max(0.0, pull.norm() - pull.coincident) / static_cast<double>(rows_);
  }

 private:
  Tensor points_;
  std::int64_t rows_, width_;
};

/// Points that y is pull it back as far as they are many.
void step(std::vector<double>& y, const Pull& pull) {
  const double norm = pull.norm(), free = norm > 0 ? std::max(0.0, 1 - pull.coincident / norm) : 0;
  if (pull.weight > 0)
    for (std::size_t j = 0; j < y.size(); ++j)
      y[j] += free * pull.direction[j] / pull.weight;
}

bool is_near_a_point(const Pull& pull, std::int64_t rows) {
  return pull.nearest >= 0 &&
         pull.nearest_distance * static_cast<double>(rows) < near_point * pull.distances;
}

} // namespace

GeometricMedian geometric_median(const Tensor& given, const MedianOptions& options) {
  require(given.dim() == 2 && given.size(0) > 0, "sae",
          "the geometric median needs points; give it activations");
  require(at::isfinite(given).all().item<bool>(), "sae",
          "the activations have values that are not finite; look at the model and its dtype");
  const Points points(given);
  std::vector<double> y = points.mean();
  GeometricMedian result;
  for (;; ++result.iterations) {
    Pull pull = points.pull_at(y);
    result.gradient = points.gradient(pull);
    if (result.gradient > options.tolerance && is_near_a_point(pull, points.rows())) {
      const float* point = points.row(pull.nearest);
      const std::vector<double> there(point, point + y.size());
      const double gradient = points.gradient(points.pull_at(there));
      if (gradient <= options.tolerance) {
        y = there;
        result.gradient = gradient;
      }
    }
    result.converged = result.gradient <= options.tolerance;
    if (result.converged || result.iterations == options.most_iterations)
      break;
    step(y, pull);
  }
  result.point = at::tensor(y, at::kDouble);
  return result;
}

} // namespace latticelens
