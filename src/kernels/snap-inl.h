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
        step_factor(hn::Set(d, std::ldexp(T{1}, -grid.mantissa_bits))),
        away(grid.ties == Ties::away) {}
  V maximum, edge, smallest_binade, step_factor;
  bool away;
};

/// Nearest grid values of finite x. Powers of two are taken from the exponent bits, so nothing is
/// rounded twice.
template<class D>
HWY_INLINE hn::Vec<D> snap_vector(D d, hn::Vec<D> x, const GridVectors<D>& grid) {
  using T = hn::TFromD<D>;
  const hn::RebindToUnsigned<D> du;
  const auto exponent_mask =
      hn::Set(du, sizeof(T) == 4 ? hn::TFromD<decltype(du)>(0x7F800000u)
                                 : static_cast<hn::TFromD<decltype(du)>>(0x7FF0000000000000ull));
  const auto magnitude = hn::Min(hn::Abs(x), hn::Add(grid.maximum, grid.maximum));
  const auto power =
      hn::BitCast(d, hn::And(hn::BitCast(du, magnitude), exponent_mask)); // 2^exponent, or 0
  const auto step = hn::Mul(hn::Max(power, grid.smallest_binade), grid.step_factor);
  // A power of two: its inverse has the exponent's bits from the other end.
  const auto inverse_bits =
      hn::Set(du, sizeof(T) == 4 ? hn::TFromD<decltype(du)>(0x7F000000u)
                                 : static_cast<hn::TFromD<decltype(du)>>(0x7FE0000000000000ull));
  const auto inverse = hn::BitCast(d, hn::Sub(inverse_bits, hn::BitCast(du, step)));
  const auto steps = hn::Mul(magnitude, inverse);
  auto rounded = hn::Round(steps);
  if (grid.away) {
    const auto tie = hn::Eq(hn::Sub(steps, rounded), hn::Set(d, T(0.5)));
    rounded = hn::Add(rounded, hn::IfThenElseZero(tie, hn::Set(d, T(1))));
  }
  return hn::CopySign(hn::Min(hn::Mul(rounded, step), grid.maximum), x);
}

} // namespace latticelens::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif
