#include "lattice/babai.h"

#include "kernels/feedback.h"
#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <atomic>

namespace latticelens {
namespace {

/// Rows of `feedback` are L_i,: / L_ii.
struct Work {
  Tensor weights, feedback, targets, values, errors, steps; // all fp64; all but feedback [n, rows]
};

std::int64_t round_block(const Work& work, const ElementGrid& grid, std::int64_t first,
                         std::int64_t columns) {
  const std::int64_t rows = work.weights.size(1), n = work.feedback.size(0), offset = first * rows;
  std::atomic<std::int64_t> clipped = 0;
  at::parallel_for(0, (rows + 63) / 64, 2, [&](std::int64_t begin, std::int64_t end) {
    const std::int64_t row = begin * 64;
    clipped +=
        round_with_feedback({.rows = std::min(end * 64, rows) - row,
                             .columns = columns,
                             .stride = rows,
                             .feedback = work.feedback.const_data_ptr<double>() + first * n + first,
                             .feedback_stride = n,
                             .weights = work.weights.const_data_ptr<double>() + offset + row,
                             .scales = work.steps.const_data_ptr<double>() + offset + row,
                             .targets = work.targets.mutable_data_ptr<double>() + offset + row,
                             .values = work.values.mutable_data_ptr<double>() + offset + row,
                             .errors = work.errors.mutable_data_ptr<double>() + offset + row},
                            grid);
  });
  return clipped;
}

/// Adds to the targets of [first, last) what the errors of [from, first) ask for.
void correct(Work& work, std::int64_t from, std::int64_t first, std::int64_t last) {
  if (from == first)
    return;
  const Tensor feedback = work.feedback.slice(0, first, last).slice(1, from, first);
  work.targets.slice(0, first, last).addmm_(feedback, work.errors.slice(0, from, first));
}

/// The real minimiser of the columns [first, last) given the errors before them. targets hold each
/// column's correction as if the columns between were kept, so the unit triangle of the feedback is
/// solved: L_BB d = -L_BA e_A.
Tensor residual(const Work& work, std::int64_t first, std::int64_t last) {
  const Tensor weights = work.weights.slice(0, first, last);
  const Tensor triangle = work.feedback.slice(0, first, last).slice(1, first, last);
  const Tensor correction = work.targets.slice(0, first, last) - weights;
  return weights + at::linalg_solve_triangular(triangle, correction, /*upper=*/false, /*left=*/true,
                                               /*unitriangular=*/true);
}

} // namespace

BabaiResult babai(const Tensor& weights, const Tensor& l, const ElementGrid& grid,
                  const BabaiOptions& options, const ChooseSteps& choose) {
  const std::int64_t n = weights.size(0);
  Work work{weights.contiguous(),    (l / l.diagonal().unsqueeze(1)).contiguous(),
            weights.clone(),         at::empty_like(weights),
            at::empty_like(weights), at::empty_like(weights)};
  BabaiResult result;
  for (std::int64_t panel = 0; panel < n; panel += options.panel) {
    const std::int64_t panel_end = std::min(panel + options.panel, n);
    correct(work, 0, panel, panel_end);
    if (options.steps_per_panel)
      work.steps.slice(0, panel, panel_end).copy_(choose(panel, residual(work, panel, panel_end)));
    for (std::int64_t first = panel; first < panel_end; first += options.block) {
      const std::int64_t last = std::min(first + options.block, panel_end);
      correct(work, panel, first, last);
      if (!options.steps_per_panel)
        work.steps.slice(0, first, last).copy_(choose(first, residual(work, first, last)));
      result.clipped += round_block(work, grid, first, last - first);
    }
  }
  result.values = work.values;
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

BabaiResult babai(const Tensor& weights, const Tensor& l, const ElementGrid& grid,
                  const BabaiOptions& options, const ChooseSteps& choose) {
  const std::int64_t n = weights.size(0), rows = weights.size(1);
  const std::int64_t together = options.steps_per_panel ? options.panel : options.block;
  Tensor targets = weights.clone(), steps, values = at::empty_like(weights);
  BabaiResult result;
  for (std::int64_t i = 0; i < n; ++i) {
    if (i % together == 0)
      steps = choose(i, current_values(weights, targets, l, i, std::min(i + together, n)));
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
  result.values = values;
  return result;
}

} // namespace reference
} // namespace latticelens
