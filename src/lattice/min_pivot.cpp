#include "lattice/min_pivot.h"

#include "kernels/product.h"
#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

namespace latticelens {
namespace {

constexpr std::int64_t panel = strip_width;
constexpr std::int64_t rows_per_task = panel / 2; // so that a task's rows lie in one strip

/// Which remaining coordinate is the next pivot.
class PivotChoice {
 public:
  PivotChoice(std::int64_t n, std::int64_t block) : block_(block), left_(n / block, block) {}

  /// diagonals by position, `ids` their coordinates; negative diagonals count. Returns a position.
  std::size_t pick(const std::vector<double>& diagonal, const Order& ids,
                   const std::vector<char>& alive) {
    if (current_ < 0 || left_[current_] == 0)
      current_ = block_ == 1 ? -1 : smallest_block(diagonal, ids, alive);
    std::size_t best = ids.size();
    for (std::size_t i = 0; i < ids.size(); ++i)
      if (alive[i] && (current_ < 0 || ids[i] / block_ == current_) &&
          (best == ids.size() || diagonal[i] < diagonal[best]))
        best = i;
    --left_[ids[best] / block_];
    return best;
  }

 private:
  std::int64_t smallest_block(const std::vector<double>& diagonal, const Order& ids,
                              const std::vector<char>& alive) const {
    std::vector<double> traces(left_.size());
    for (std::size_t i = 0; i < ids.size(); ++i)
      if (alive[i])
        traces[ids[i] / block_] += diagonal[i];
    std::int64_t best = -1;
    for (std::size_t b = 0; b < traces.size(); ++b)
      if (left_[b] > 0 && (best < 0 || traces[b] < traces[best]))
        best = static_cast<std::int64_t>(b);
    return best;
  }

  std::int64_t block_, current_ = -1;
  std::vector<std::int64_t> left_; // coordinates of each block that remain
};

/// Right-looking in panels. Positions are the coordinates that remain at the start of a panel;
/// nothing is swapped: after a panel the rest is copied together while it is updated.
class MinPivot {
 public:
  MinPivot(const Tensor& h, double lambda, std::int64_t block)
      : n_(h.size(0)), choice_(n_, block), ids_(n_), diagonal_(n_),
        rest_(at::empty({n_, n_}, at::kDouble)), next_(at::empty({n_, n_}, at::kDouble)),
        rows_(at::empty({n_, n_}, at::kDouble)) {
    std::iota(ids_.begin(), ids_.end(), 0);
    rest_.copy_(h);
    rest_.diagonal().add_(lambda);
    for (std::int64_t i = 0; i < n_; ++i)
      diagonal_[i] = rest_.const_data_ptr<double>()[i * n_ + i];
  }

  bool run() {
    while (!ids_.empty()) {
      if (!eliminate_panel())
        return false;
      keep_the_rest();
    }
    return true;
  }

  void result(OrderedFactor& factor) const {
    factor.order.assign(eliminated_.rbegin(), eliminated_.rend());
    factor.l = at::zeros({n_, n_}, at::kDouble);
    double* l = factor.l.mutable_data_ptr<double>();
    const double* rows = rows_.const_data_ptr<double>();
    at::parallel_for(0, n_, rows_per_task, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t i = begin; i < end; ++i)
        for (std::int64_t j = 0; j <= i; ++j)
          l[i * n_ + j] = rows[(n_ - 1 - i) * n_ + factor.order[j]];
    });
  }

 private:
  std::int64_t count() const { return static_cast<std::int64_t>(ids_.size()); }
  double* strip(std::int64_t position) { return &strips_[position / panel * panel * panel]; }

  bool eliminate_panel() {
    const std::int64_t depth = std::min(panel, count());
    strips_.assign((count() + panel - 1) / panel * panel * panel, 0);
    alive_.assign(ids_.size(), 1);
    for (std::int64_t step = 0; step < depth; ++step) {
      const auto pivot = static_cast<std::int64_t>(choice_.pick(diagonal_, ids_, alive_));
      load_row(pivot, step);
      for (std::int64_t s = 0; s < count(); s += panel)
        subtract_product<double>(1, step, {strip(pivot) + pivot % panel, 0, panel}, strip(s),
                                 strip(s) + step * panel, panel);
      if (!divide_row(pivot, step))
        return false;
    }
    return true;
  }

  /// The pivot's row of the symmetric rest, of which the upper triangle is kept.
  void load_row(std::int64_t pivot, std::int64_t step) {
    const double* rest = rest_.const_data_ptr<double>();
    for (std::int64_t j = 0; j < count(); ++j)
      strip(j)[step * panel + j % panel] = j < pivot ? rest[j * n_ + pivot] : rest[pivot * n_ + j];
  }

  bool divide_row(std::int64_t pivot, std::int64_t step) {
    const double square = strip(pivot)[step * panel + pivot % panel];
    if (!(square > 0) || !std::isfinite(square))
      return false;
    const double root = std::sqrt(square);
    double* row =
        rows_.mutable_data_ptr<double>() + static_cast<std::int64_t>(eliminated_.size()) * n_;
    for (std::int64_t j = 0; j < count(); ++j) {
      double& value = strip(j)[step * panel + j % panel];
      value = alive_[j] ? value / root : 0;
      diagonal_[j] -= value * value;
      row[ids_[j]] = value;
    }
    alive_[pivot] = 0;
    eliminated_.push_back(ids_[pivot]);
    return true;
  }

  void keep_the_rest() {
    std::vector<std::int64_t> kept;
    for (std::int64_t i = 0; i < count(); ++i)
      if (alive_[i])
        kept.push_back(i);
    const auto left = static_cast<std::int64_t>(kept.size());
    std::vector<double> strips((left + panel - 1) / panel * panel * panel);
    Order ids(left);
    std::vector<double> diagonal(left);
    for (std::int64_t j = 0; j < left; ++j) {
      ids[j] = ids_[kept[j]];
      diagonal[j] = diagonal_[kept[j]];
      for (std::int64_t k = 0; k < panel; ++k)
        strips[(j / panel * panel + k) * panel + j % panel] =
            strip(kept[j])[k * panel + kept[j] % panel];
    }
    strips_ = std::move(strips);
    ids_ = std::move(ids);
    diagonal_ = std::move(diagonal);
    update_rest(kept);
    std::swap(rest_, next_);
  }

  /// next = rest[kept, kept] - (panel)ᵀ (panel), the upper triangle in tiles.
  void update_rest(const std::vector<std::int64_t>& kept) {
    const std::int64_t bands = (count() + rows_per_task - 1) / rows_per_task;
    at::parallel_for(0, bands, 1, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t band = begin; band < end; ++band) {
        // Alternately from both ends: the upper bands are longer, threads get even shares.
        const std::int64_t from_end = band % 2 ? bands - 1 - band / 2 : band / 2;
        update_band(kept, from_end * rows_per_task);
      }
    });
  }

  void update_band(const std::vector<std::int64_t>& kept, std::int64_t first) {
    const std::int64_t last = std::min(first + rows_per_task, count());
    const double* rest = rest_.const_data_ptr<double>();
    double* next = next_.mutable_data_ptr<double>();
    std::vector<double> tile(rows_per_task * panel);
    for (std::int64_t s = first / panel * panel; s < count(); s += panel) {
      const std::int64_t columns = std::min(panel, count() - s);
      for (std::int64_t i = first; i < last; ++i)
        for (std::int64_t j = 0; j < columns; ++j) {
          const std::int64_t row = std::min(kept[i], kept[s + j]);
          tile[(i - first) * panel + j] = rest[row * n_ + std::max(kept[i], kept[s + j])];
        }
      subtract_product<double>(last - first, panel, {strip(first) + first % panel, 1, panel},
                               strip(s), tile.data(), panel);
      for (std::int64_t i = first; i < last; ++i)
        std::copy_n(&tile[(i - first) * panel], columns, next + i * n_ + s);
    }
  }

  std::int64_t n_;
  PivotChoice choice_;
  Order ids_; // coordinate of each position
  std::vector<double> diagonal_;
  std::vector<char> alive_;
  std::vector<double> strips_; // the panel's rows over positions: [strip][panel][strip_width]
  Tensor rest_, next_;         // [n, n], the leading [count, count] is used, upper triangle
  Tensor rows_;                // [n, n]: row of the factor at each step, over coordinates
  Order eliminated_;
};

} // namespace

bool factor_min_pivot(const Tensor& h, double lambda, std::int64_t block, OrderedFactor& result) {
  MinPivot factor(h, lambda, block);
  if (!factor.run())
    return false;
  factor.result(result);
  return true;
}

namespace reference {

bool factor_min_pivot(const Tensor& h, double lambda, std::int64_t block, OrderedFactor& result) {
  const std::int64_t n = h.size(0);
  Tensor rest = h + lambda * at::eye(n, at::kDouble);
  PivotChoice choice(n, block);
  Order ids(n), eliminated;
  std::iota(ids.begin(), ids.end(), 0);
  std::vector<char> alive(n, 1);
  std::vector<Tensor> rows;
  for (std::int64_t step = 0; step < n; ++step) {
    const Tensor diagonal = rest.diagonal().contiguous();
    const std::vector<double> squares(diagonal.const_data_ptr<double>(),
                                      diagonal.const_data_ptr<double>() + n);
    const auto pivot = static_cast<std::int64_t>(choice.pick(squares, ids, alive));
    if (!(squares[pivot] > 0))
      return false;
    alive[pivot] = 0;
    eliminated.push_back(pivot);
    rows.push_back(rest[pivot] / std::sqrt(squares[pivot]));
    rest = rest - at::outer(rows.back(), rows.back());
  }
  result.order.assign(eliminated.rbegin(), eliminated.rend());
  std::reverse(rows.begin(), rows.end());
  result.l = in_order(at::stack(rows).t().contiguous(), result.order).t().tril().contiguous();
  return true;
}

} // namespace reference
} // namespace latticelens
