#include "lattice/babai.h"

#include "kernels/feedback.h"
#include "kernels/product.h"
#include "lattice/factor.h"
#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <atomic>
#include <vector>

namespace latticelens {
namespace {

// Rows are independent, so threads share nothing but the factor: each takes this many rows through
// all columns.
constexpr std::int64_t rows_at_once = strip_width;

/// Some rows of the problem: fp32 [n, rows_at_once], rows past the last one are zero.
struct Rows {
  std::int64_t first, count;
  Tensor weights, targets, values, errors, steps;
};

class Solver {
 public:
  Solver(Tensor feedback, const ElementGrid& grid, const BabaiOptions& options,
         const ChooseSteps& choose)
      : feedback_(std::move(feedback)), grid_(grid), options_(options), choose_(choose) {}

  std::int64_t solve(Rows& rows) const {
    const std::int64_t n = feedback_.size(0);
    std::int64_t clipped = 0;
    for (std::int64_t first = 0; first < n; first += options_.panel) {
      const std::int64_t last = std::min(first + options_.panel, n);
      add_product<float>(last - first, first, {feedback_.const_data_ptr<float>() + first * n, n},
                         rows.errors.const_data_ptr<float>(),
                         rows.targets.mutable_data_ptr<float>() + first * rows_at_once,
                         rows_at_once);
      clipped += solve_panel(rows, first, last - first);
    }
    return clipped;
  }

 private:
  FeedbackPanel panel_at(Rows& rows, std::int64_t first) const {
    const std::int64_t n = feedback_.size(0), offset = first * rows_at_once;
    return {.rows = rows_at_once,
            .feedback = feedback_.const_data_ptr<float>() + first * n + first,
            .feedback_stride = n,
            .weights = rows.weights.const_data_ptr<float>() + offset,
            .targets = rows.targets.const_data_ptr<float>() + offset,
            .steps = rows.steps.const_data_ptr<float>() + offset,
            .values = rows.values.mutable_data_ptr<float>() + offset,
            .errors = rows.errors.mutable_data_ptr<float>() + offset};
  }

  std::int64_t solve_panel(Rows& rows, std::int64_t panel_first, std::int64_t columns) const {
    const FeedbackPanel panel = panel_at(rows, panel_first);
    if (options_.steps_per_panel)
      choose_steps(rows, panel, panel_first, 0, columns);
    std::int64_t clipped = 0;
    for (std::int64_t first = 0; first < columns; first += options_.block) {
      const std::int64_t last = std::min(first + options_.block, columns);
      if (!options_.steps_per_panel)
        choose_steps(rows, panel, panel_first, first, last);
      clipped += round_with_feedback(panel, first, last, grid_);
    }
    return clipped;
  }

  void choose_steps(Rows& rows, const FeedbackPanel& panel, std::int64_t panel_first,
                    std::int64_t first, std::int64_t last) const {
    std::vector<float> residual((last - first) * rows_at_once);
    residual_of(panel, first, last, residual.data());
    const Part part{rows.first, rows_at_once, panel_first + first, last - first};
    choose_(part, residual.data(),
            rows.steps.mutable_data_ptr<float>() + (panel_first + first) * rows_at_once);
  }

  Tensor feedback_; // [n, n] fp32, row i: L_i,: / L_ii
  const ElementGrid& grid_;
  const BabaiOptions& options_;
  const ChooseSteps& choose_;
};

Rows take_rows(const Tensor& weights, std::int64_t first) {
  const std::int64_t count = std::min(rows_at_once, weights.size(1) - first);
  Tensor part = at::zeros({weights.size(0), rows_at_once}, at::kFloat);
  part.slice(1, 0, count).copy_(weights.slice(1, first, first + count));
  return {first,
          count,
          part,
          part.clone(),
          at::empty_like(part),
          at::zeros_like(part),
          at::empty_like(part)};
}

} // namespace

BabaiResult babai(const Tensor& weights, const Tensor& l, const ElementGrid& grid,
                  const BabaiOptions& options, const ChooseSteps& choose) {
  const Solver solver(feedback_of(l), grid, options, choose);
  const std::int64_t rows = weights.size(1);
  BabaiResult result{at::empty_like(weights, at::MemoryFormat::Contiguous)};
  std::atomic<std::int64_t> clipped = 0;
  at::parallel_for(0, (rows + rows_at_once - 1) / rows_at_once, 1,
                   [&](std::int64_t begin, std::int64_t end) {
                     for (std::int64_t chunk = begin; chunk < end; ++chunk) {
                       Rows part = take_rows(weights, chunk * rows_at_once);
                       clipped += solver.solve(part);
                       result.values.slice(1, part.first, part.first + part.count)
                           .copy_(part.values.slice(1, 0, part.count));
                     }
                   });
  result.clipped = clipped;
  return result;
}

namespace reference {
namespace {

/// Forward substitution, as in `residual` above.
Tensor current_values(const Tensor& weights, const Tensor& targets, const Tensor& l,
                      std::int64_t first, std::int64_t last) {
  Tensor values = targets.slice(0, first, last).clone();
  for (std::int64_t k = first; k < last; ++k)
    for (std::int64_t j = first; j < k; ++j)
      values[k - first] -= l[k][j] / l[k][k] * (values[j - first] - weights[j]);
  return values;
}

} // namespace

BabaiResult babai(const Tensor& single, const Tensor& l, const ElementGrid& grid,
                  const BabaiOptions& options, const ChooseSteps& choose) {
  const Tensor weights = single.to(at::kDouble);
  const std::int64_t n = weights.size(0), rows = weights.size(1);
  const std::int64_t together = options.steps_per_panel ? options.panel : options.block;
  Tensor targets = weights.clone(), steps, values = at::empty_like(weights);
  BabaiResult result;
  for (std::int64_t i = 0; i < n; ++i) {
    if (i % together == 0) {
      const std::int64_t last = std::min(i + together, n);
      const Tensor residual =
          current_values(weights, targets, l, i, last).to(at::kFloat).contiguous();
      steps = at::empty_like(residual);
      choose({0, rows, i, last - i}, residual.const_data_ptr<float>(),
             steps.mutable_data_ptr<float>());
    }
    for (std::int64_t row = 0; row < rows; ++row) {
      const double step = steps[i % together][row].item<double>();
      const double scaled = targets[i][row].item<double>() / step;
      result.clipped += std::fabs(scaled) > grid.maximum;
      values[i][row] = snap(scaled, grid) * step;
    }
    const Tensor error = weights[i] - values[i];
    for (std::int64_t k = i + 1; k < n; ++k)
      targets[k] += l[k][i] / l[k][k] * error;
  }
  result.values = values.to(at::kFloat);
  return result;
}

} // namespace reference
} // namespace latticelens
