// Vector form of `snap`, for every instruction set; include only from files that foreach_target.h
// compiles many times.
#if defined(LATTICELENS_SNAP_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef LATTICELENS_SNAP_INL_H
#undef LATTICELENS_SNAP_INL_H
#else
#define LATTICELENS_SNAP_INL_H
#endif

#include "kernels/element_grid.h"
#include <hwy/highway.h>
#include <limits>

HWY_BEFORE_NAMESPACE();
namespace latticelens::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

/// Constants of a grid as vectors; T is float or double.
template<class D>
struct GridVectors {
  using T = hn::TFromD<D>;
  using V = hn::Vec<D>;
  explicit GridVectors(D d, const ElementGrid& grid)
      : maximum(hn::Set(d, static_cast<T>(grid.maximum))),
        edge(hn::Set(d, static_cast<T>(outer_edge(grid)))),
        smallest_binade(hn::Set(d, std::ldexp(T{1}, grid.minimum_exponent))),
        shift_factor(hn::Set(d, std::ldexp(T{1.5}, fraction_bits - grid.mantissa_bits))),
        half_factor(hn::Set(d, std::ldexp(T{0.5}, -grid.mantissa_bits))),
        away(grid.ties == Ties::away), table(grid.table) {}
  static constexpr int fraction_bits = std::numeric_limits<T>::digits - 1;
  V maximum, edge, smallest_binade;
  V shift_factor; // of a binade: added to it, a value loses what is below the binade's step
  V half_factor;  // of a binade: half its step
  bool away;
  std::span<const float> table;
};

/// The nearest numbers of a table.
template<class D>
HWY_INLINE hn::Vec<D> look_up_nearest(D d, hn::Vec<D> x, std::span<const float> table) {
  using T = hn::TFromD<D>;
  auto nearest = hn::Set(d, static_cast<T>(table[0]));
  for (std::size_t i = 1; i < table.size(); ++i) {
    const auto reached = hn::Ge(x, hn::Set(d, static_cast<T>(middle_below(table, i))));
    nearest = hn::IfThenElse(reached, hn::Set(d, static_cast<T>(table[i])), nearest);
  }
  return nearest;
}

/// Nearest grid values of finite x, for grids without a table of at most 21 mantissa bits, 22 if
/// they are uniform, that have these ties.
template<Ties Rule, class D>
HWY_INLINE hn::Vec<D> snap_vector_with(D d, hn::Vec<D> x, const GridVectors<D>& grid) {
  using T = hn::TFromD<D>;
  const hn::RebindToUnsigned<D> du;
  const auto exponent_mask =
      hn::Set(du, sizeof(T) == 4 ? hn::TFromD<decltype(du)>(0x7F800000u)
                                 : static_cast<hn::TFromD<decltype(du)>>(0x7FF0000000000000ull));
  const auto magnitude = hn::Min(hn::Abs(x), grid.maximum);
  const auto power =
      hn::BitCast(d, hn::And(hn::BitCast(du, magnitude), exponent_mask)); // 2^exponent, or 0
  const auto binade = hn::Max(power, grid.smallest_binade);
  // The last bit of the sum is worth a step, so the sum is rounded to steps, ties to even.
  const auto shift = hn::Mul(binade, grid.shift_factor);
  auto snapped = hn::Sub(hn::Add(magnitude, shift), shift);
  if constexpr (Rule ==
                Ties::away) { // half a step that was taken off is a tie that went towards zero
    const auto half = hn::Mul(binade, grid.half_factor), rest = hn::Sub(magnitude, snapped);
    snapped = hn::IfThenElse(hn::Eq(rest, half), hn::Add(hn::Add(snapped, half), half), snapped);
  }
  return hn::CopySign(snapped, x);
}

template<class D>
HWY_INLINE hn::Vec<D> snap_vector(D d, hn::Vec<D> x, const GridVectors<D>& grid) {
  if (HWY_UNLIKELY(!grid.table.empty()))
    return look_up_nearest(d, x, grid.table);
  return grid.away ? snap_vector_with<Ties::away>(d, x, grid)
                   : snap_vector_with<Ties::even>(d, x, grid);
}

} // namespace latticelens::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif
