#include "kernels/feedback.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/feedback.cpp"
#include <hwy/foreach_target.h> // compiles this file once for each instruction set

#include "kernels/snap-inl.h"

HWY_BEFORE_NAMESPACE();
namespace latticelens::HWY_NAMESPACE {

// Rows are independent: one vector holds one coordinate of several rows.
using Floats = hn::ScalableTag<float>;
using Vector = hn::Vec<Floats>;

/// start + sum_i factors[i] * columns[i], i in [from, to); columns are `stride` apart. Two sums
/// hide the latency.
HWY_INLINE Vector accumulate(Vector start, const float* factors, const float* columns,
                             std::int64_t stride, std::int64_t from, std::int64_t to) {
  const Floats d;
  auto a = start, b = hn::Zero(d);
  std::int64_t i = from;
  for (; i + 2 <= to; i += 2) {
    a = hn::MulAdd(hn::Set(d, factors[i]), hn::LoadU(d, columns + i * stride), a);
    b = hn::MulAdd(hn::Set(d, factors[i + 1]), hn::LoadU(d, columns + (i + 1) * stride), b);
  }
  if (i < to)
    a = hn::MulAdd(hn::Set(d, factors[i]), hn::LoadU(d, columns + i * stride), a);
  return hn::Add(a, b);
}

// Differences are kept in `residual` while the triangle is solved; the weights are added at the
// end.
void residual_rows(const FeedbackPanel& panel, std::int64_t first, std::int64_t last,
                   float* residual, std::int64_t rows) {
  const Floats d;
  const std::int64_t stride = panel.rows;
  for (std::int64_t row = 0; row < rows; row += static_cast<std::int64_t>(hn::Lanes(d))) {
    for (std::int64_t k = first; k < last; ++k) {
      const float* factors = panel.feedback + k * panel.feedback_stride;
      const auto target = accumulate(hn::LoadU(d, panel.targets + k * stride + row), factors,
                                     panel.errors + row, stride, 0, first);
      const auto weight = hn::LoadU(d, panel.weights + k * stride + row);
      const auto solved =
          accumulate(hn::Zero(d), factors + first, residual + row, stride, 0, k - first);
      hn::StoreU(hn::Sub(hn::Sub(target, weight), solved), d,
                 residual + (k - first) * stride + row);
    }
    for (std::int64_t k = first; k < last; ++k) {
      float* value = residual + (k - first) * stride + row;
      hn::StoreU(hn::Add(hn::LoadU(d, value), hn::LoadU(d, panel.weights + k * stride + row)), d,
                 value);
    }
  }
}

std::int64_t round_rows(const FeedbackPanel& panel, std::int64_t first, std::int64_t last,
                        const ElementGrid& grid, std::int64_t rows) {
  const Floats d;
  const GridVectors<Floats> vectors(d, grid);
  std::int64_t clipped = 0;
  for (std::int64_t row = 0; row < rows; row += static_cast<std::int64_t>(hn::Lanes(d))) {
    auto cost = hn::LoadU(d, panel.costs + row);
    for (std::int64_t i = first; i < last; ++i) {
      const std::int64_t at = i * panel.rows + row;
      const auto target =
          accumulate(hn::LoadU(d, panel.targets + at), panel.feedback + i * panel.feedback_stride,
                     panel.errors + row, panel.rows, 0, i);
      const auto step = hn::LoadU(d, panel.steps + at);
      const auto scaled = hn::Div(target, step);
      const auto outside = hn::Gt(hn::Abs(scaled), vectors.edge);
      clipped += static_cast<std::int64_t>(hn::CountTrue(d, outside));
      auto value = hn::Mul(snap_vector(d, scaled, vectors), step);
      if (panel.keep_outside)
        value = hn::IfThenElse(outside, target, value);
      hn::StoreU(value, d, panel.values + at);
      hn::StoreU(hn::Sub(hn::LoadU(d, panel.weights + at), value), d, panel.errors + at);
      const auto distance = hn::Mul(hn::Set(d, panel.diagonal[i]), hn::Sub(target, value));
      cost = hn::MulAdd(distance, distance, cost);
    }
    hn::StoreU(cost, d, panel.costs + row);
  }
  return clipped;
}

std::int64_t row_lanes() {
  return static_cast<std::int64_t>(hn::Lanes(Floats()));
}

} // namespace latticelens::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace latticelens {

HWY_EXPORT(residual_rows);
HWY_EXPORT(round_rows);
HWY_EXPORT(row_lanes);

namespace {

// A row count that fills no vectors goes through the reference: callers pad, tests do not.
bool fills_vectors(std::int64_t rows) {
  return rows % HWY_DYNAMIC_DISPATCH(row_lanes)() == 0;
}

} // namespace

void residual_of(const FeedbackPanel& panel, std::int64_t first, std::int64_t last,
                 float* residual) {
  if (!fills_vectors(panel.rows))
    return reference::residual_of(panel, first, last, residual);
  HWY_DYNAMIC_DISPATCH(residual_rows)(panel, first, last, residual, panel.rows);
}

std::int64_t round_with_feedback(const FeedbackPanel& panel, std::int64_t first, std::int64_t last,
                                 const ElementGrid& grid) {
  if (!fills_vectors(panel.rows))
    return reference::round_with_feedback(panel, first, last, grid);
  return HWY_DYNAMIC_DISPATCH(round_rows)(panel, first, last, grid, panel.rows);
}

} // namespace latticelens
#endif
