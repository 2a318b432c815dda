#include "lattice/certificates.h"

#include "kernels/best_paths.h"
#include "tensor/cholesky.h"
#include "tensor/single_thread.h"
#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <algorithm>
#include <cmath>
#include <limits>

namespace latticelens {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

/// Index of the highest level at or below x; -1 when there is none.
std::int64_t level_below(const std::vector<float>& levels, double x) {
  return std::upper_bound(levels.begin(), levels.end(), x) - levels.begin() - 1;
}

/// Lowest and highest number around x between which there is no level, relative to x. Outside the
/// grid the end of the grid and its mirror image: (v - low)(v - high) >= 0 holds for every level.
struct Gap {
  double low, high;
};

Gap gap_around(const std::vector<float>& levels, double x) {
  const std::int64_t below = level_below(levels, x);
  if (below < 0)
    return {x - levels.front(), levels.front() - x};
  const double low = levels[below] - x;
  if (below + 1 == static_cast<std::int64_t>(levels.size()))
    return {low, -low};
  return {low, levels[below + 1] - x};
}

/// Distance from x to the nearest level that is not `taken`.
double distance_to_another(const std::vector<float>& levels, double x, double taken) {
  const std::int64_t below = level_below(levels, x),
                     last = static_cast<std::int64_t>(levels.size());
  double nearest = infinity;
  for (std::int64_t i = std::max<std::int64_t>(0, below - 1); i < std::min(last, below + 3); ++i)
    if (levels[i] != taken)
      nearest = std::min(nearest, std::fabs(x - levels[i]));
  return nearest;
}

Tensor inverse_of(const Tensor& lower) {
  const SingleThreadMkl one_thread;
  return at::linalg_solve_triangular(lower, at::eye(lower.size(0), lower.options()),
                                     /*upper=*/false);
}

/// Both ends of the gap around every weight, in weight units, relative to it.
struct Gaps {
  Tensor low, high; // [n, rows] fp64
};

/// What Lagrange multipliers give: sum λ_i (g_i²/4 - m_i²) - (Λ m)ᵀ (H - Λ)⁻¹ (Λ m) for each row, g
/// the gaps and m their middles. factor: H - Λ = C Cᵀ.
Tensor multiplier_bound(const Gaps& gaps, const Tensor& multipliers, const Tensor& factor) {
  const SingleThreadMkl one_thread;
  const Tensor column = multipliers.unsqueeze(1), middle = (gaps.low + gaps.high) / 2;
  const Tensor pulled =
      at::linalg_solve_triangular(factor, column * middle, /*upper=*/false).square().sum(0);
  return (column * -(gaps.low * gaps.high)).sum(0) - pulled;
}

/// The multipliers of the best mean bound: a share of 1 / (H⁻¹)_ii each, the share that is best for
/// some of the rows; then improved by gradient steps on the mean over middles that are uniform in
/// their gaps.
class DiagonalDual {
 public:
  DiagonalDual(const Tensor& h, const Tensor& limits, const Gaps& gaps) : h_(h), gaps_(gaps) {
    constexpr std::int64_t judges = 32;
    const Gaps some{gaps.low.slice(1, 0, judges), gaps.high.slice(1, 0, judges)};
    double best = 0;
    for (const double share : {0.6, 0.35, 0.2, 0.1, 0.05, 0.02}) {
      const Tensor given = limits * share, factor = factor_without(given);
      if (!factor.defined())
        continue;
      const double bound = multiplier_bound(some, given, factor).sum().item<double>();
      if (bound < best)
        break; // the bound is concave in the share
      best = bound;
      multipliers_ = given;
      factor_ = factor;
    }
  }

  void improve(int steps) {
    if (!usable() || steps == 0)
      return;
    const Tensor squares = (gaps_.high - gaps_.low).square().mean(1);
    Tensor inverse = inverse_of_square(factor_);
    double mean = mean_bound(squares, multipliers_, inverse), rate = 0.5;
    for (int step = 0; step < steps; ++step) {
      constexpr double tiny = 1e-300;
      const Tensor gradient =
          1 - multipliers_ * inverse.diagonal() -
          at::mv(inverse.square(), squares * multipliers_.square()) / (2 * squares.clamp_min(tiny));
      const Tensor next = multipliers_ * at::exp(rate * gradient.clamp(-1, 1));
      const Tensor factor = factor_without(next);
      const Tensor next_inverse = factor.defined() ? inverse_of_square(factor) : Tensor();
      const double next_mean = factor.defined() ? mean_bound(squares, next, next_inverse) : 0;
      if (!(next_mean > mean)) {
        rate /= 2;
        continue;
      }
      mean = next_mean;
      multipliers_ = next;
      factor_ = factor;
      inverse = next_inverse;
    }
  }

  bool usable() const { return multipliers_.defined(); }
  /// For every row; the multipliers are taken a little smaller than what was tested, for the test
  /// rounds too.
  Tensor bound() const {
    constexpr double safety = 1 - 1e-9;
    return multiplier_bound(gaps_, multipliers_ * safety, factor_).clamp_min(0);
  }

 private:
  /// C with C Cᵀ = H - Λ; undefined when that is not positive definite.
  Tensor factor_without(const Tensor& multipliers) const {
    Tensor factor = h_.clone();
    factor.diagonal().sub_(multipliers);
    return cholesky_in_place(factor) ? factor.tril() : Tensor();
  }

  static Tensor inverse_of_square(const Tensor& factor) {
    const Tensor half = inverse_of(factor);
    return at::matmul(half.t(), half);
  }

  static double mean_bound(const Tensor& squares, const Tensor& multipliers,
                           const Tensor& inverse) {
    return (squares * (2 * multipliers - multipliers.square() * inverse.diagonal()))
               .sum()
               .item<double>() /
           12;
  }

  Tensor h_;
  const Gaps& gaps_;
  Tensor multipliers_, factor_; // [n], [n, n]
};

} // namespace

Certificates::Certificates(const RoundedLattice& rounded)
    : rounded_{rounded.l.contiguous(), rounded.target.contiguous(), rounded.values.contiguous(),
               rounded.steps.contiguous(), rounded.grid},
      levels_(levels_of(rounded.grid).levels), low_(at::empty(rounded.target.sizes(), at::kDouble)),
      high_(at::empty(rounded.target.sizes(), at::kDouble)),
      distances_(at::matmul(rounded.l, rounded.target.to(at::kDouble) - rounded.values)) {
  const float *w = rounded_.target.const_data_ptr<float>(),
              *s = rounded_.steps.const_data_ptr<float>();
  double *low = low_.mutable_data_ptr<double>(), *high = high_.mutable_data_ptr<double>();
  at::parallel_for(0, low_.numel(), 4096, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t at = begin; at < end; ++at) {
      const double step = s[at];
      const Gap gap = gap_around(levels_, w[at] / step);
      low[at] = gap.low * step;
      high[at] = gap.high * step;
    }
  });
}

Tensor Certificates::errors() const {
  return distances_.square().sum(0);
}

Tensor Certificates::a_posteriori() const {
  const Tensor diagonal = rounded_.l.diagonal().contiguous();
  const std::int64_t n = distances_.size(0), rows = distances_.size(1);
  Tensor bounds = at::empty({rows}, at::kDouble);
  const double *d = distances_.const_data_ptr<double>(), *l = diagonal.const_data_ptr<double>();
  const float *v = rounded_.values.const_data_ptr<float>(),
              *s = rounded_.steps.const_data_ptr<float>();
  double* to = bounds.mutable_data_ptr<double>();
  at::parallel_for(0, rows, 16, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t row = begin; row < end; ++row) {
      double before = 0, least = infinity;
      for (std::int64_t i = 0; i < n && before < least; ++i) {
        const std::int64_t at = i * rows + row;
        const double step = s[at], wanted = (v[at] + d[at] / l[i]) / step;
        const double other = distance_to_another(levels_, wanted, v[at] / s[at]) * step * l[i];
        least = std::min(least, before + other * other);
        before += d[at] * d[at];
      }
      to[row] = least;
    }
  });
  return bounds;
}

LowerBounds Certificates::lower_bounds(const Tensor& h, int steps) const {
  constexpr double rounding_of_bounds = 1 - 1e-9;
  const Gaps gaps{low_, high_};
  const Tensor limits = 1 / inverse_of(rounded_.l).square().sum(1), reached = errors();
  LowerBounds bounds;
  bounds.a_posteriori = at::minimum(a_posteriori(), reached) * rounding_of_bounds;
  const Tensor nearest = at::minimum(low_.abs(), high_.abs());
  bounds.one_dual = at::amax(nearest.square() * limits.unsqueeze(1), 0) * rounding_of_bounds;
  DiagonalDual dual(h, limits, gaps);
  dual.improve(steps);
  bounds.diagonal =
      dual.usable() ? dual.bound() * rounding_of_bounds : at::zeros_like(bounds.one_dual);
  bounds.best = at::minimum(
      at::maximum(at::maximum(bounds.a_posteriori, bounds.one_dual), bounds.diagonal), reached);
  return bounds;
}

Forecast Certificates::forecast() const {
  float widest = 0;
  for (std::size_t i = 1; i < levels_.size(); ++i)
    widest = std::max(widest, levels_[i] - levels_[i - 1]);
  const Tensor diagonal = rounded_.l.diagonal().unsqueeze(1), cells = (high_ - low_) * diagonal;
  const std::int64_t n = cells.size(0);
  const Tensor dimension = at::arange(1, n + 1, at::kDouble).unsqueeze(1);
  // Of the directions rounded first: projections of the lattice.
  const Tensor mean_logarithm = cells.log().cumsum(0) * 2 / dimension;
  const Tensor ball =
      dimension / (dimension + 2) * at::exp(at::lgamma(dimension / 2 + 1) * 2 / dimension) / M_PI;
  return {.worst = (widest * rounded_.steps.to(at::kDouble) * diagonal).square().sum(0) / 4,
          .expected = cells.square().sum(0) / 12,
          .sphere = at::amax(ball * at::exp(mean_logarithm), 0)};
}

Tensor Certificates::overflow() const {
  const Tensor cells = ((high_ - low_) * rounded_.l.diagonal().unsqueeze(1)).square() / 12;
  const Tensor spread = at::matmul(inverse_of(rounded_.l).tril(-1).square(), cells).sqrt();
  const Tensor steps = rounded_.steps.to(at::kDouble), target = rounded_.target.to(at::kDouble);
  const auto beyond = [&](const Tensor& distance) { // chance of a normal deviate beyond a distance
    return 0.5 * at::erfc(distance / (spread * std::sqrt(2.0)).clamp_min(1e-300));
  };
  return beyond(levels_.back() * steps - target) + beyond(target - levels_.front() * steps);
}

double babai_factor(const Tensor& l) {
  const Tensor squares = l.diagonal().square();
  const Tensor later = squares.flip(0).cumsum(0).flip(0);
  return (later / squares).max().item<double>();
}

double profile_ratio(const Tensor& l) {
  const Tensor squares = l.diagonal().square();
  return (squares.mean() / squares.log().mean().exp()).item<double>();
}

double rate_bound(const Tensor& l, double variance, double bits) {
  const double n = static_cast<double>(l.size(0));
  return variance * n * std::exp(l.diagonal().log().mean().item<double>() * 2) * std::pow(4, -bits);
}

} // namespace latticelens
