#include "lattice/kbest.h"

#include "kernels/best_paths.h"
#include <ATen/ATen.h>
#include <algorithm>
#include <cmath>

namespace latticelens::reference {
namespace {

struct Path {
  double cost = 0;
  std::vector<double> values;
  std::int64_t clipped = 0;
};

/// One row: the weights, the factor, and how far a path has come.
class RowSearch {
 public:
  RowSearch(const Tensor& l, std::vector<double> weights, std::vector<double> levels)
      : n_(l.size(0)), l_(l.const_data_ptr<double>()), w_(std::move(weights)),
        levels_(std::move(levels)) {}

  double target(const Path& path, std::int64_t i, std::int64_t before) const {
    double sum = w_[i];
    for (std::int64_t j = 0; j < before; ++j)
      sum += l_[i * n_ + j] / l_[i * n_ + i] * (w_[j] - path.values[j]);
    return sum;
  }

  std::vector<float> residual(const Path& path, std::int64_t first, std::int64_t last) const {
    std::vector<double> solved;
    for (std::int64_t k = first; k < last; ++k) {
      double value = target(path, k, first);
      for (std::int64_t j = first; j < k; ++j)
        value -= l_[k * n_ + j] / l_[k * n_ + k] * (solved[j - first] - w_[j]);
      solved.push_back(value);
    }
    return {solved.begin(), solved.end()};
  }

  std::vector<Path> extend(const std::vector<Path>& paths, std::int64_t i, double step,
                           std::int64_t most) const {
    std::vector<Path> all;
    for (const Path& path : paths) {
      const double wanted = target(path, i, i);
      for (const double level : levels_) {
        Path next = path;
        next.cost += std::pow(l_[i * n_ + i] * (wanted - level * step), 2);
        next.values.push_back(level * step);
        next.clipped += std::fabs(wanted / step) > levels_.back();
        all.push_back(std::move(next));
      }
    }
    std::stable_sort(all.begin(), all.end(),
                     [](const Path& a, const Path& b) { return a.cost < b.cost; });
    all.resize(std::min<std::size_t>(all.size(), most));
    return all;
  }

 private:
  std::int64_t n_;
  const double* l_;
  std::vector<double> w_, levels_;
};

} // namespace

BabaiResult kbest(const Tensor& weights, const Tensor& l, const ElementGrid& grid,
                  std::int64_t most, const BabaiOptions& options, const ChooseSteps& choose) {
  const std::int64_t n = weights.size(0), rows = weights.size(1);
  BabaiResult result{at::empty({n, rows}, at::kFloat), at::empty({n, rows}, at::kFloat),
                     at::empty({rows}, at::kDouble)};
  const std::vector<float> single = levels_of(grid).levels;
  const Tensor factor = l.contiguous(), by_row = weights.t().to(at::kDouble).contiguous();
  for (std::int64_t row = 0; row < rows; ++row) {
    const double* w = by_row.const_data_ptr<double>() + row * n;
    const RowSearch search(factor, {w, w + n}, {single.begin(), single.end()});
    std::vector<Path> paths(1);
    std::vector<float> steps;
    for (std::int64_t i = 0; i < n; ++i) {
      if (i % options.block == 0) {
        const std::int64_t last = std::min(i + options.block, n);
        const std::vector<float> residual = search.residual(paths.front(), i, last);
        steps.resize(last);
        choose({row, 1, i, last - i}, residual.data(), 0, &steps[i]);
      }
      paths = search.extend(paths, i, steps[i], most);
    }
    result.values.select(1, row).copy_(at::tensor(paths.front().values, at::kDouble));
    result.steps.select(1, row).copy_(at::tensor(steps, at::kFloat));
    result.errors[row] = paths.front().cost;
    result.clipped += paths.front().clipped;
  }
  return result;
}

} // namespace latticelens::reference
