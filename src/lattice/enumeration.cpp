#include "lattice/enumeration.h"

#include "kernels/best_paths.h"
#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <algorithm>
#include <atomic>
#include <limits>
#include <vector>

namespace latticelens {
namespace {

/// Levels from the nearest outwards.
class Zigzag {
 public:
  Zigzag() = default;
  Zigzag(const std::vector<float>& levels, double centre) : levels_(&levels), centre_(centre) {
    up_ = std::lower_bound(levels.begin(), levels.end(), centre) - levels.begin();
    down_ = up_ - 1;
  }
  bool next(double& level) {
    const auto count = static_cast<std::int64_t>(levels_->size());
    if (down_ < 0 && up_ == count)
      return false;
    const bool goes_up =
        down_ < 0 || (up_ < count && (*levels_)[up_] - centre_ < centre_ - (*levels_)[down_]);
    level = goes_up ? (*levels_)[up_++] : (*levels_)[down_--];
    return true;
  }

 private:
  const std::vector<float>* levels_ = nullptr;
  double centre_ = 0;
  std::int64_t up_ = 0, down_ = -1;
};

/// Depth-first search of one row; the first leaf is Babai's.
class RowSearch {
 public:
  RowSearch(const double* l, std::int64_t n, const std::vector<float>& levels,
            std::vector<double> weights, std::vector<double> steps)
      : l_(l), n_(n), levels_(levels), w_(std::move(weights)), steps_(std::move(steps)), values_(n),
        costs_(n + 1), targets_(n), ways_(n) {}

  void run(std::int64_t node_limit) {
    enter(0);
    for (std::int64_t i = 0; i >= 0;) {
      double level = 0;
      const bool has_next = ways_[i].next(level);
      const double distance = l_[i * n_ + i] * (targets_[i] - level * steps_[i]);
      const double cost = costs_[i] + distance * distance;
      if (!has_next || cost >= best_cost) { // all further levels cost more
        --i;
        continue;
      }
      if (++nodes > node_limit) {
        unfinished = true;
        return;
      }
      values_[i] = level * steps_[i];
      costs_[i + 1] = cost;
      if (i + 1 == n_) {
        best_cost = cost;
        best = values_;
      } else
        enter(++i);
    }
  }

  std::vector<double> best;
  double best_cost = std::numeric_limits<double>::infinity();
  std::int64_t nodes = 0;
  bool unfinished = false;

 private:
  void enter(std::int64_t i) {
    double sum = 0;
    for (std::int64_t j = 0; j < i; ++j)
      sum += l_[i * n_ + j] * (w_[j] - values_[j]);
    targets_[i] = w_[i] + sum / l_[i * n_ + i];
    ways_[i] = Zigzag(levels_, targets_[i] / steps_[i]);
  }

  const double* l_;
  std::int64_t n_;
  const std::vector<float>& levels_;
  std::vector<double> w_, steps_, values_, costs_, targets_;
  std::vector<Zigzag> ways_;
};

std::vector<double> column(const Tensor& x, std::int64_t row) {
  const Tensor values = x.select(1, row).to(at::kDouble).contiguous();
  return {values.const_data_ptr<double>(), values.const_data_ptr<double>() + values.numel()};
}

} // namespace

ExactResult exact_search(const Tensor& weights, const Tensor& l, const Tensor& steps,
                         const ElementGrid& grid, std::int64_t node_limit) {
  const std::int64_t n = weights.size(0), rows = weights.size(1);
  const Tensor factor = l.contiguous();
  const std::vector<float> levels = levels_of(grid).levels;
  ExactResult result{at::empty({n, rows}, at::kFloat), at::empty({rows}, at::kDouble)};
  std::atomic<std::int64_t> nodes = 0, unfinished = 0;
  at::parallel_for(0, rows, 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t row = begin; row < end; ++row) {
      RowSearch search(factor.const_data_ptr<double>(), n, levels, column(weights, row),
                       column(steps, row));
      search.run(node_limit);
      result.values.select(1, row).copy_(at::tensor(search.best, at::kDouble));
      result.errors[row] = search.best_cost;
      nodes += search.nodes;
      unfinished += search.unfinished;
    }
  });
  result.nodes = nodes;
  result.unfinished = unfinished;
  return result;
}

} // namespace latticelens
