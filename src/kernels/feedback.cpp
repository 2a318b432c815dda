#include "kernels/feedback.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/feedback.cpp"
#include <hwy/foreach_target.h> // compiles this file once for each instruction set

#include "kernels/snap-inl.h"

HWY_BEFORE_NAMESPACE();
namespace latticelens::HWY_NAMESPACE {

using Floats = hn::ScalableTag<float>;
using Vector = hn::Vec<Floats>;

/// targets[column] of one vector of rows, corrected for the errors of the columns before it.
HWY_INLINE Vector corrected_target(const FeedbackBlock& block, std::int64_t column,
                                   std::int64_t row) {
  const Floats d;
  const float* factors = block.feedback + column * block.feedback_stride;
  const float* errors = block.errors + row;
  auto a = hn::LoadU(d, block.targets + column * block.stride + row), b = hn::Zero(d);
  std::int64_t i = 0;
  for (; i + 2 <= column; i += 2) {
    a = hn::MulAdd(hn::Set(d, factors[i]), hn::LoadU(d, errors + i * block.stride), a);
    b = hn::MulAdd(hn::Set(d, factors[i + 1]), hn::LoadU(d, errors + (i + 1) * block.stride), b);
  }
  if (i < column)
    a = hn::MulAdd(hn::Set(d, factors[i]), hn::LoadU(d, errors + i * block.stride), a);
  return hn::Add(a, b);
}

// Rows are independent: one vector holds one coordinate of several rows. Returns how many rows were
// done.
std::int64_t round_rows(const FeedbackBlock& block, const ElementGrid& grid,
                        std::int64_t* clipped) {
  const Floats d;
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
  const GridVectors<Floats> vectors(d, grid);
  std::int64_t row = 0;
  for (; row + lanes <= block.rows; row += lanes)
    for (std::int64_t i = 0; i < block.columns; ++i) {
      const std::int64_t at = i * block.stride + row;
      const auto target = corrected_target(block, i, row);
      const auto scale = hn::LoadU(d, block.scales + at);
      const auto scaled = hn::Div(target, scale);
      *clipped +=
          static_cast<std::int64_t>(hn::CountTrue(d, hn::Gt(hn::Abs(scaled), vectors.maximum)));
      const auto value = hn::Mul(snap_vector(d, scaled, vectors), scale);
      hn::StoreU(target, d, block.targets + at);
      hn::StoreU(value, d, block.values + at);
      hn::StoreU(hn::Sub(hn::LoadU(d, block.weights + at), value), d, block.errors + at);
    }
  return row;
}

} // namespace latticelens::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace latticelens {

HWY_EXPORT(round_rows);

std::int64_t round_with_feedback(const FeedbackBlock& block, const ElementGrid& grid) {
  std::int64_t clipped = 0;
  const std::int64_t done = HWY_DYNAMIC_DISPATCH(round_rows)(block, grid, &clipped);
  FeedbackBlock rest = block;
  rest.rows -= done;
  rest.weights += done;
  rest.scales += done;
  rest.targets += done;
  rest.values += done;
  rest.errors += done;
  return clipped + reference::round_with_feedback(rest, grid);
}

namespace reference {

std::int64_t round_with_feedback(const FeedbackBlock& block, const ElementGrid& grid) {
  std::int64_t clipped = 0;
  for (std::int64_t row = 0; row < block.rows; ++row)
    for (std::int64_t i = 0; i < block.columns; ++i) {
      const std::int64_t at = i * block.stride + row;
      double target = block.targets[at];
      for (std::int64_t j = 0; j < i; ++j)
        target += static_cast<double>(block.feedback[i * block.feedback_stride + j]) *
                  block.errors[j * block.stride + row];
      const double scaled = target / block.scales[at];
      clipped += std::fabs(scaled) > grid.maximum;
      block.targets[at] = static_cast<float>(target);
      block.values[at] = static_cast<float>(snap(scaled, grid) * block.scales[at]);
      block.errors[at] = block.weights[at] - block.values[at];
    }
  return clipped;
}

} // namespace reference
} // namespace latticelens
#endif
