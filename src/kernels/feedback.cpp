#include "kernels/feedback.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/feedback.cpp"
#include <hwy/foreach_target.h> // compiles this file once for each instruction set

#include "kernels/snap-inl.h"

HWY_BEFORE_NAMESPACE();
namespace latticelens::HWY_NAMESPACE {

using Doubles = hn::ScalableTag<double>;

// Rows are independent: one vector holds one coordinate of several rows. Returns how many rows were
// done.
std::int64_t round_rows(const FeedbackBlock& block, const ElementGrid& grid,
                        std::int64_t* clipped) {
  const Doubles d;
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
  const GridVectors<Doubles> vectors(d, grid);
  std::int64_t row = 0;
  for (; row + lanes <= block.rows; row += lanes)
    for (std::int64_t i = 0; i < block.columns; ++i) {
      const std::int64_t at = i * block.stride + row;
      const auto scale = hn::LoadU(d, block.scales + at);
      const auto scaled = hn::Div(hn::LoadU(d, block.targets + at), scale);
      *clipped +=
          static_cast<std::int64_t>(hn::CountTrue(d, hn::Gt(hn::Abs(scaled), vectors.maximum)));
      const auto value = hn::Mul(snap_vector(d, scaled, vectors), scale);
      const auto error = hn::Sub(hn::LoadU(d, block.weights + at), value);
      hn::StoreU(value, d, block.values + at);
      hn::StoreU(error, d, block.errors + at);
      for (std::int64_t k = i + 1; k < block.columns; ++k) {
        double* target = block.targets + k * block.stride + row;
        const auto factor = hn::Set(d, block.feedback[k * block.feedback_stride + i]);
        hn::StoreU(hn::Add(hn::Mul(factor, error), hn::LoadU(d, target)), d, target);
      }
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
      const double scaled = block.targets[at] / block.scales[at];
      clipped += std::fabs(scaled) > grid.maximum;
      block.values[at] = snap(scaled, grid) * block.scales[at];
      block.errors[at] = block.weights[at] - block.values[at];
      for (std::int64_t k = i + 1; k < block.columns; ++k)
        block.targets[k * block.stride + row] +=
            block.feedback[k * block.feedback_stride + i] * block.errors[at];
    }
  return clipped;
}

} // namespace reference
} // namespace latticelens
#endif
