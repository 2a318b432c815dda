#include "lattice/babai.h"

#include "kernels/feedback.h"
#include "kernels/product.h"
#include "lattice/factor.h"
#include "lattice/row_strips.h"
#include "lattice/step_choice.h"
#include <ATen/ATen.h>
#include <algorithm>

namespace latticelens {
namespace {

// Columns whose outer corrections are one matrix product; published code reads stale scales at its
// multiples.
constexpr std::int64_t panel_columns = 128;

class Solver {
 public:
  Solver(const Tensor& l, const ElementGrid& grid, const BabaiOptions& options,
         const ChooseSteps& choose)
      : feedback_(feedback_of(l)), diagonal_(l.diagonal().to(at::kFloat).contiguous()), grid_(grid),
        options_(options), choose_(choose),
        panel_(options.candidates > 1 ? options.block : panel_columns) {}

  void solve(RowStrip& rows) const {
    const std::int64_t n = feedback_.size(0);
    for (std::int64_t first = 0; first < n; first += panel_) {
      const std::int64_t last = std::min(first + panel_, n);
      add_product<float>(last - first, first, {feedback_.const_data_ptr<float>() + first * n, n},
                         rows.errors.data(), &rows.targets[first * strip_width], strip_width);
      std::fill(rows.costs.begin(), rows.costs.end(), 0.0f);
      if (options_.candidates > 1)
        solve_block_with_candidates(rows, first, last - first);
      else
        solve_panel(rows, first, last - first);
      for (std::int64_t row = 0; row < strip_width; ++row)
        rows.squared_errors[row] += rows.costs[row];
    }
  }

 private:
  FeedbackPanel panel_at(RowStrip& rows, std::int64_t first) const {
    const std::int64_t n = feedback_.size(0), offset = first * strip_width;
    return {.rows = strip_width,
            .feedback = feedback_.const_data_ptr<float>() + first * n + first,
            .feedback_stride = n,
            .weights = &rows.weights[offset],
            .targets = &rows.targets[offset],
            .steps = &rows.steps[offset],
            .values = &rows.values[offset],
            .errors = &rows.errors[offset],
            .diagonal = diagonal_.const_data_ptr<float>() + first,
            .keep_outside = options_.keep_outside,
            .costs = rows.costs.data()};
  }

  void solve_panel(RowStrip& rows, std::int64_t panel_first, std::int64_t columns) const {
    const FeedbackPanel panel = panel_at(rows, panel_first);
    if (options_.steps_per_panel)
      choose_steps(rows, panel, panel_first, 0, columns);
    for (std::int64_t first = 0; first < columns; first += options_.block) {
      const std::int64_t last = std::min(first + options_.block, columns);
      if (!options_.steps_per_panel)
        choose_steps(rows, panel, panel_first, first, last);
      rows.clipped += round_with_feedback(panel, first, last, grid_);
    }
  }

  void choose_steps(RowStrip& rows, const FeedbackPanel& panel, std::int64_t panel_first,
                    std::int64_t first, std::int64_t last) const {
    std::vector<float> residual((last - first) * strip_width);
    residual_of(panel, first, last, residual.data());
    const Part part{rows.first, strip_width, panel_first + first, last - first};
    choose_(part, residual.data(), 0, &rows.steps[(panel_first + first) * strip_width]);
  }

  void solve_block_with_candidates(RowStrip& rows, std::int64_t first, std::int64_t columns) const {
    const FeedbackPanel panel = panel_at(rows, first);
    choose_block_steps(panel, {rows.first, strip_width, first, columns}, options_.candidates, grid_,
                       choose_, &rows.steps[first * strip_width]);
    rows.clipped += round_with_feedback(panel, 0, columns, grid_);
  }

  Tensor feedback_, diagonal_; // [n, n] fp32, row i: L_i,: / L_ii; [n] fp32
  const ElementGrid& grid_;
  const BabaiOptions& options_;
  const ChooseSteps& choose_;
  std::int64_t panel_;
};

} // namespace

BabaiResult babai(const Tensor& weights, const Tensor& l, const ElementGrid& grid,
                  const BabaiOptions& options, const ChooseSteps& choose) {
  const Solver solver(l, grid, options, choose);
  return for_row_strips(weights, [&](RowStrip& strip) { solver.solve(strip); });
}

namespace reference {
namespace {

/// One row in fp64.
class RowSolver {
 public:
  RowSolver(const Tensor& l, const ElementGrid& grid, const BabaiOptions& options,
            const ChooseSteps& choose)
      : n_(l.size(0)), l_(l.const_data_ptr<double>()), grid_(grid), options_(options),
        choose_(choose) {}

  void solve(std::int64_t row, const std::vector<double>& w, std::vector<double>& values,
             std::vector<float>& steps) {
    const std::int64_t together = options_.steps_per_panel ? panel_columns : options_.block;
    for (std::int64_t first = 0; first < n_; first += together) {
      const std::int64_t last = std::min(first + together, n_);
      const std::vector<float> residual = residual_at(w, values, first, last);
      double least = std::numeric_limits<double>::infinity();
      std::vector<float> best;
      for (int candidate = 0; candidate < options_.candidates; ++candidate) {
        std::vector<float> tried(last - first);
        choose_({row, 1, first, last - first}, residual.data(), candidate, tried.data());
        if (const double cost = round(w, tried, first, last, values).first; cost < least) {
          least = cost;
          best = tried;
        }
      }
      const auto [cost, outside] = round(w, best, first, last, values);
      error += cost;
      clipped += outside;
      std::copy(best.begin(), best.end(), steps.begin() + first);
    }
  }

  double error = 0;
  std::int64_t clipped = 0;

 private:
  double target(const std::vector<double>& w, const std::vector<double>& values, std::int64_t i,
                std::int64_t before) const {
    double sum = w[i];
    for (std::int64_t j = 0; j < before; ++j)
      sum += l_[i * n_ + j] / l_[i * n_ + i] * (w[j] - values[j]);
    return sum;
  }

  /// The solution of the block's own triangle.
  std::vector<float> residual_at(const std::vector<double>& w, const std::vector<double>& values,
                                 std::int64_t first, std::int64_t last) const {
    std::vector<double> solved(last - first);
    for (std::int64_t k = first; k < last; ++k) {
      solved[k - first] = target(w, values, k, first);
      for (std::int64_t j = first; j < k; ++j)
        solved[k - first] -= l_[k * n_ + j] / l_[k * n_ + k] * (solved[j - first] - w[j]);
    }
    return {solved.begin(), solved.end()};
  }

  /// Squared error and clipped targets of the columns.
  std::pair<double, std::int64_t> round(const std::vector<double>& w,
                                        const std::vector<float>& steps, std::int64_t first,
                                        std::int64_t last, std::vector<double>& values) const {
    double cost = 0;
    std::int64_t outside = 0;
    for (std::int64_t i = first; i < last; ++i) {
      const double wanted = target(w, values, i, i), step = steps[i - first];
      const bool is_outside = std::fabs(wanted / step) > outer_edge(grid_);
      outside += is_outside;
      const bool kept = options_.keep_outside && is_outside;
      values[i] = kept ? wanted : snap(wanted / step, grid_) * step;
      cost += std::pow(l_[i * n_ + i] * (wanted - values[i]), 2);
    }
    return {cost, outside};
  }

  std::int64_t n_;
  const double* l_;
  const ElementGrid& grid_;
  const BabaiOptions& options_;
  const ChooseSteps& choose_;
};

} // namespace

BabaiResult babai(const Tensor& weights, const Tensor& l, const ElementGrid& grid,
                  const BabaiOptions& options, const ChooseSteps& choose) {
  const std::int64_t n = weights.size(0), rows = weights.size(1);
  BabaiResult result{at::empty({n, rows}, at::kFloat), at::empty({n, rows}, at::kFloat),
                     at::empty({rows}, at::kDouble)};
  const Tensor factor = l.contiguous(), by_row = weights.t().to(at::kDouble).contiguous();
  for (std::int64_t row = 0; row < rows; ++row) {
    RowSolver solver(factor, grid, options, choose);
    const double* data = by_row.const_data_ptr<double>() + row * n;
    const std::vector<double> w(data, data + n);
    std::vector<double> values(n);
    std::vector<float> steps(n);
    solver.solve(row, w, values, steps);
    result.values.select(1, row).copy_(at::tensor(values, at::kDouble));
    result.steps.select(1, row).copy_(at::tensor(steps, at::kFloat));
    result.errors[row] = solver.error;
    result.clipped += solver.clipped;
  }
  return result;
}

} // namespace reference
} // namespace latticelens
