#include "rounding/lattice_problem.h"

#include "core/error.h"
#include "lattice/kbest.h"
#include "tensor/single_thread.h"
#include <ATen/ATen.h>
#include <algorithm>

namespace latticelens {
namespace {

constexpr std::int64_t chunk_columns = 32; // rounded together when no scale waits for them
constexpr std::int64_t most_columns = 128; // whose scale can wait for what came before

/// Fits the blocks of a part and writes the step of every coordinate.
void fit_part(const Format& format, const Part& part, const float* residual, int candidate,
              float* steps) {
  const std::int64_t blocks = part.columns / format.block;
  std::vector<float> rows(part.rows * part.columns), fitted(part.rows * blocks);
  for (std::int64_t column = 0; column < part.columns; ++column)
    for (std::int64_t r = 0; r < part.rows; ++r)
      rows[r * part.columns + column] = residual[column * part.rows + r];
  fit_blocks(rows, format.block, format.rule, format.grid, fitted);
  if (candidate > 0)
    for (float& scale : fitted)
      scale = format.candidate_scale(scale, candidate);
  for (std::int64_t column = 0; column < part.columns; ++column)
    for (std::int64_t r = 0; r < part.rows; ++r)
      steps[column * part.rows + r] = fitted[r * blocks + column / format.block];
}

ChooseSteps chooser(const RoundingProblem& layer, const Order& order) {
  const Format& format = layer.format;
  if (!scales_are_fixed(layer.format, layer.scales))
    return [format](const Part& part, const float* residual, int candidate, float* steps) {
      fit_part(format, part, residual, candidate, steps);
    };
  return [steps = fixed_steps(format, layer.weight, order)](
             const Part& part, const float*, int, float* to) { copy_part(steps, part, to); };
}

/// (H + lambda I)⁻¹ ((C + lambda I) w + x̂ r) for every row, in the order of rounding: the real
/// weights that make up for the input's own errors as far as they can, damped towards w.
Tensor mismatch_target(const Moments& moments, const LatticeFactor& factor, const Tensor& weight) {
  const SingleThreadMkl one_thread; // the same bytes at any number of threads
  const Tensor transposed = weight.t().to(at::kDouble);
  Tensor wanted = at::matmul(moments.cross, transposed) + factor.lambda * transposed;
  if (moments.drift.defined())
    wanted = wanted + moments.drift;
  const Tensor right = in_order(wanted, factor.order);
  const Tensor half = at::linalg_solve_triangular(factor.l.t(), right, /*upper=*/true);
  return at::linalg_solve_triangular(factor.l, half, /*upper=*/false);
}

} // namespace

bool scales_are_fixed(const Format& format, const ScaleSpec& scales) {
  const bool large = format.block > most_columns || format.coded;
  require(!large || scales.time == ScaleTime::fixed || scales.time == ScaleTime::current, "method",
          format.name + ": blocks " +
              (format.coded ? "of GGUF types" : "of " + std::to_string(format.block)) +
              " have the scales of the weights before any rounding; write scales=static");
  return large || scales.time == ScaleTime::fixed;
}

LatticeProblem lattice_problem(const RoundingProblem& layer, const Moments& moments,
                               const Regularisation& regularisation) {
  const Format& format = layer.format;
  const bool fixed = scales_are_fixed(layer.format, layer.scales);
  LatticeProblem problem{layer,
                         factor_moments(moments.gram,
                                        {.damping = regularisation.damping,
                                         .order = layer.order,
                                         .block = fixed ? 1 : format.block},
                                        layer.name),
                         {},
                         {.block = fixed ? chunk_columns : format.block,
                          .steps_per_panel = layer.scales.time == ScaleTime::stale,
                          .candidates = layer.scales.candidates},
                         {}};
  problem.target = in_order(layer.weight.t().contiguous(), problem.factor.order);
  if (moments.cross.defined() && regularisation.strength > 0)
    problem.target.add_(
        (mismatch_target(moments, problem.factor, layer.weight) - problem.target).to(at::kFloat),
        regularisation.strength);
  if (format.frame)
    problem.target.sub_(
        in_order(format.frame->offsets.repeat_interleave(format.block, 1).t().contiguous(),
                 problem.factor.order));
  problem.choose = chooser(layer, problem.factor.order);
  return problem;
}

BabaiResult nearest_plane(const LatticeProblem& problem) {
  return babai(problem.target, problem.factor.l, problem.layer.format.grid, problem.blocks,
               problem.choose);
}

BabaiResult search(const LatticeProblem& problem, std::int64_t paths) {
  return kbest(problem.target, problem.factor.l, problem.layer.format.grid, paths, problem.blocks,
               problem.choose);
}

Tensor fixed_steps(const Format& format, const Tensor& weight, const Order& order) {
  const Tensor scales = format.fit(weight);
  return in_order(scales.repeat_interleave(format.block, 1).t().contiguous(), order);
}

void copy_part(const Tensor& steps, const Part& part, float* to) {
  const std::int64_t all = steps.size(1), rows = std::min(part.rows, all - part.first_row);
  const float* from = steps.const_data_ptr<float>() + part.first_column * all + part.first_row;
  for (std::int64_t column = 0; column < part.columns; ++column) {
    std::fill_n(to + column * part.rows, part.rows, 1.0f); // padding rows: any step
    std::copy_n(from + column * all, rows, to + column * part.rows);
  }
}

Rounded finish(const LatticeProblem& problem, const BabaiResult& solved) {
  const Order& order = problem.factor.order;
  const std::int64_t block = problem.layer.format.block;
  Rounded rounded;
  const Format& format = problem.layer.format;
  rounded.values = format.with_offsets(undo_order(solved.values, order).t()).contiguous();
  rounded.scales = format.frame
                       ? format.frame->scales
                       : undo_order(solved.steps, order).t().slice(1, 0, {}, block).contiguous();
  rounded.clipped = solved.clipped;
  rounded.damping = problem.factor.damping;
  rounded.escalations = problem.factor.escalations;
  rounded.solver_error = solved.errors;
  return rounded;
}

} // namespace latticelens
