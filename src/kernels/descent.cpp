#include "kernels/descent.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/descent.cpp"
#include <hwy/foreach_target.h> // compiles this file once for each instruction set

#include "kernels/snap-inl.h"
#include <limits>

HWY_BEFORE_NAMESPACE();
namespace latticelens::HWY_NAMESPACE {
using Floats = hn::ScalableTag<float>;

std::int64_t descend_rows(const DescentPanel& panel, const ElementGrid& grid) {
  const Floats d;
  const GridVectors<Floats> vectors(d, grid);
  std::int64_t moves = 0;
  for (std::int64_t row = 0; row < panel.rows; row += static_cast<std::int64_t>(hn::Lanes(d)))
    for (std::int64_t i = 0; i < panel.columns; ++i) {
      const float* moments = panel.moments + i * panel.moments_stride;
      const std::int64_t at = i * panel.rows + row;
      auto gradient = hn::LoadU(d, panel.gradient + at);
      for (std::int64_t j = 0; j < i; ++j)
        gradient = hn::NegMulAdd(hn::Set(d, moments[j]),
                                 hn::LoadU(d, panel.moved + j * panel.rows + row), gradient);
      const auto value = hn::LoadU(d, panel.values + at), step = hn::LoadU(d, panel.steps + at),
                 square = hn::Set(d, moments[i]);
      const auto wanted = hn::Div(hn::Add(value, hn::Div(gradient, square)), step);
      const auto distance = hn::Sub(hn::Mul(snap_vector(d, wanted, vectors), step), value);
      // The error changes by distance * (distance * H_ii - 2 gradient); what rounding alone could
      // explain is no gain, or two levels could take turns for ever.
      const auto change =
          hn::Mul(distance, hn::MulSub(distance, square, hn::Add(gradient, gradient)));
      const auto least_gain =
          hn::Mul(hn::Set(d, -1e-5f), hn::Mul(square, hn::Mul(distance, distance)));
      const auto moves_on = hn::Lt(change, least_gain);
      const auto moved = hn::IfThenElseZero(moves_on, distance);
      moves += static_cast<std::int64_t>(hn::CountTrue(d, moves_on));
      hn::StoreU(moved, d, panel.moved + at);
      hn::StoreU(hn::Add(value, moved), d, panel.values + at);
      hn::StoreU(hn::Sub(hn::LoadU(d, panel.errors + at), moved), d, panel.errors + at);
    }
  return moves;
}

std::int64_t descent_lanes() {
  return static_cast<std::int64_t>(hn::Lanes(Floats()));
}

/// The least of cost + factor * distance * moments, over vectors; the first of equals.
Partner best_of_vectors(const RowMoves& moves, const float* moments, float distance,
                        std::int64_t except) {
  const Floats d;
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
  const auto factor = hn::Set(d, 2 * distance);
  Partner best{.cost = std::numeric_limits<float>::infinity()};
  for (std::int64_t j = 0; j + lanes <= moves.count; j += lanes) {
    const auto pull = hn::Mul(factor, hn::LoadU(d, moments + j));
    const auto up = hn::MulAdd(pull, hn::LoadU(d, moves.up + j), hn::LoadU(d, moves.up_cost + j));
    const auto down =
        hn::MulAdd(pull, hn::LoadU(d, moves.down + j), hn::LoadU(d, moves.down_cost + j));
    if (hn::AllFalse(d, hn::Lt(hn::Min(up, down), hn::Set(d, best.cost))))
      continue;
    HWY_ALIGN float ups[hn::MaxLanes(Floats())], downs[hn::MaxLanes(Floats())];
    hn::Store(up, d, ups);
    hn::Store(down, d, downs);
    for (std::int64_t k = 0; k < lanes; ++k) {
      if (j + k == except)
        continue;
      if (ups[k] < best.cost)
        best = {j + k, true, ups[k]};
      if (downs[k] < best.cost)
        best = {j + k, false, downs[k]};
    }
  }
  return best;
}

} // namespace latticelens::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace latticelens {

HWY_EXPORT(descend_rows);
HWY_EXPORT(descent_lanes);
HWY_EXPORT(best_of_vectors);

std::int64_t descend(const DescentPanel& panel, const ElementGrid& grid) {
  if (panel.rows % HWY_DYNAMIC_DISPATCH(descent_lanes)() != 0)
    return reference::descend(panel, grid); // callers pad, tests do not
  return HWY_DYNAMIC_DISPATCH(descend_rows)(panel, grid);
}

Partner best_partner(const RowMoves& moves, const float* moments, float distance,
                     std::int64_t except) {
  if (moves.count % HWY_DYNAMIC_DISPATCH(descent_lanes)() != 0)
    return reference::best_partner(moves, moments, distance, except);
  return HWY_DYNAMIC_DISPATCH(best_of_vectors)(moves, moments, distance, except);
}

namespace reference {

std::int64_t descend(const DescentPanel& panel, const ElementGrid& grid) {
  std::int64_t moves = 0;
  for (std::int64_t row = 0; row < panel.rows; ++row)
    for (std::int64_t i = 0; i < panel.columns; ++i) {
      const float* moments = panel.moments + i * panel.moments_stride;
      const std::int64_t at = i * panel.rows + row;
      double gradient = panel.gradient[at];
      for (std::int64_t j = 0; j < i; ++j)
        gradient -= static_cast<double>(moments[j]) * panel.moved[j * panel.rows + row];
      const double value = panel.values[at], step = panel.steps[at], square = moments[i];
      const double distance = snap((value + gradient / square) / step, grid) * step - value;
      const bool gains =
          distance * (distance * square - 2 * gradient) < -1e-5 * square * distance * distance;
      panel.moved[at] = gains ? static_cast<float>(distance) : 0;
      panel.values[at] += panel.moved[at];
      panel.errors[at] -= panel.moved[at];
      moves += gains;
    }
  return moves;
}

Partner best_partner(const RowMoves& moves, const float* moments, float distance,
                     std::int64_t except) {
  Partner best{.cost = std::numeric_limits<float>::infinity()};
  const auto consider = [&](std::int64_t j, bool is_up, float own_distance, float own_cost) {
    const float cost = std::fma(2 * distance * moments[j], own_distance, own_cost);
    if (j != except && cost < best.cost)
      best = {j, is_up, cost};
  };
  for (std::int64_t j = 0; j < moves.count; ++j) {
    consider(j, true, moves.up[j], moves.up_cost[j]);
    consider(j, false, moves.down[j], moves.down_cost[j]);
  }
  return best;
}

} // namespace reference
} // namespace latticelens
#endif
