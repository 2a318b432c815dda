#include "lattice/babai.h"

#include "kernels/feedback.h"
#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <atomic>

namespace latticelens {
namespace {

// Rows are independent, so threads share nothing but the factor: each takes this many rows through
// all columns. A fixed number, so that the bytes do not depend on the threads.
constexpr std::int64_t rows_at_once = 96;

/// Some rows of the problem; all fp32 and [n, rows].
struct Rows {
  std::int64_t first;
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
    for (std::int64_t panel = 0; panel < n; panel += options_.panel) {
      const std::int64_t panel_end = std::min(panel + options_.panel, n);
      correct(rows, 0, panel, panel_end);
      if (options_.steps_per_panel)
        choose_steps(rows, panel, panel_end);
      for (std::int64_t first = panel; first < panel_end; first += options_.block) {
        const std::int64_t last = std::min(first + options_.block, panel_end);
        correct(rows, panel, first, last);
        if (!options_.steps_per_panel)
          choose_steps(rows, first, last);
        clipped += round_block(rows, first, last - first);
      }
    }
    return clipped;
  }

 private:
  /// Adds to the targets of [first, last) what the errors of [from, first) ask for.
  void correct(Rows& rows, std::int64_t from, std::int64_t first, std::int64_t last) const {
    if (from == first)
      return;
    const Tensor part = feedback_.slice(0, first, last).slice(1, from, first);
    rows.targets.slice(0, first, last).addmm_(part, rows.errors.slice(0, from, first));
  }

  void choose_steps(Rows& rows, std::int64_t first, std::int64_t last) const {
    rows.steps.slice(0, first, last)
        .copy_(choose_({rows.first, first}, residual(rows, first, last)));
  }

  /// The real minimiser of the columns [first, last) given the errors before them. targets hold
  /// each column's correction as if the columns between were kept, so the unit triangle of the
  /// feedback is solved: L_BB d = -L_BA e_A.
  Tensor residual(const Rows& rows, std::int64_t first, std::int64_t last) const {
    const Tensor weights = rows.weights.slice(0, first, last);
    if (first == 0)
      return weights;
    const Tensor triangle = feedback_.slice(0, first, last).slice(1, first, last);
    const Tensor correction = rows.targets.slice(0, first, last) - weights;
    return weights + at::linalg_solve_triangular(triangle, correction, /*upper=*/false,
                                                 /*left=*/true, /*unitriangular=*/true);
  }

  std::int64_t round_block(Rows& rows, std::int64_t first, std::int64_t columns) const {
    const std::int64_t n = feedback_.size(0), count = rows.weights.size(1), offset = first * count;
    return round_with_feedback({.rows = count,
                                .columns = columns,
                                .stride = count,
                                .feedback = feedback_.const_data_ptr<float>() + first * n + first,
                                .feedback_stride = n,
                                .weights = rows.weights.const_data_ptr<float>() + offset,
                                .scales = rows.steps.const_data_ptr<float>() + offset,
                                .targets = rows.targets.mutable_data_ptr<float>() + offset,
                                .values = rows.values.mutable_data_ptr<float>() + offset,
                                .errors = rows.errors.mutable_data_ptr<float>() + offset},
                               grid_);
  }

  Tensor feedback_; // [n, n] fp32, row i: L_i,: / L_ii
  const ElementGrid& grid_;
  const BabaiOptions& options_;
  const ChooseSteps& choose_;
};

} // namespace

BabaiResult babai(const Tensor& weights, const Tensor& l, const ElementGrid& grid,
                  const BabaiOptions& options, const ChooseSteps& choose) {
  const Solver solver((l / l.diagonal().unsqueeze(1)).to(at::kFloat), grid, options, choose);
  const std::int64_t rows = weights.size(1);
  BabaiResult result{at::empty_like(weights, at::MemoryFormat::Contiguous)};
  std::atomic<std::int64_t> clipped = 0;
  at::parallel_for(0, (rows + rows_at_once - 1) / rows_at_once, 1,
                   [&](std::int64_t begin, std::int64_t end) {
                     for (std::int64_t chunk = begin; chunk < end; ++chunk) {
                       const std::int64_t first = chunk * rows_at_once,
                                          last = std::min(first + rows_at_once, rows);
                       const Tensor part = weights.slice(1, first, last).contiguous();
                       Rows work{first,
                                 part,
                                 part.clone(),
                                 at::empty_like(part),
                                 at::empty_like(part),
                                 at::empty_like(part)};
                       clipped += solver.solve(work);
                       result.values.slice(1, first, last).copy_(work.values);
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
    if (i % together == 0)
      steps = choose({0, i}, current_values(weights, targets, l, i, std::min(i + together, n)));
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
