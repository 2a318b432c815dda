#include "lattice/descent.h"

#include "kernels/best_paths.h"
#include "kernels/descent.h"
#include "kernels/product.h"
#include "lattice/row_strips.h"
#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <algorithm>
#include <atomic>
#include <limits>
#include <vector>

namespace latticelens {
namespace {

constexpr std::int64_t panel_columns = 64;

/// A strip of rows: arrays [n, strip_width].
struct Strip {
  std::int64_t first, count;
  std::vector<float> values, errors, steps;
  std::int64_t moves = 0;
  bool converged = false;
};

std::vector<float> take(const Tensor& x, std::int64_t first, std::int64_t count, float padding) {
  std::vector<float> strip(x.size(0) * strip_width, padding);
  fill_strip(x, first, count, strip);
  return strip;
}

void put(const std::vector<float>& strip, std::int64_t first, std::int64_t count, Tensor& x) {
  const std::int64_t n = x.size(0), rows = x.size(1);
  for (std::int64_t i = 0; i < n; ++i)
    std::copy_n(&strip[i * strip_width], count, x.mutable_data_ptr<float>() + i * rows + first);
}

/// One pass over all coordinates; how many moved. The gradient of a panel is one matrix product.
std::int64_t sweep(Strip& strip, const Tensor& h, const ElementGrid& grid) {
  const std::int64_t n = h.size(0);
  std::vector<float> gradient(panel_columns * strip_width), moved(panel_columns * strip_width);
  std::int64_t moves = 0;
  for (std::int64_t first = 0; first < n; first += panel_columns) {
    const std::int64_t columns = std::min(panel_columns, n - first);
    const float* rows = h.const_data_ptr<float>() + first * n;
    std::fill(gradient.begin(), gradient.end(), 0.0f);
    add_product<float>(columns, n, {rows, n}, strip.errors.data(), gradient.data(), strip_width);
    moves += descend({.rows = strip_width,
                      .columns = columns,
                      .moments = rows + first,
                      .moments_stride = n,
                      .gradient = gradient.data(),
                      .steps = &strip.steps[first * strip_width],
                      .values = &strip.values[first * strip_width],
                      .errors = &strip.errors[first * strip_width],
                      .moved = moved.data()},
                     grid);
  }
  return moves;
}

void sweep_until_still(Strip& strip, const Tensor& h, const ElementGrid& grid, int sweeps) {
  for (int i = 0; i < sweeps && !strip.converged; ++i) {
    const std::int64_t moves = sweep(strip, h, grid);
    strip.moves += moves;
    strip.converged = moves == 0;
  }
}

/// Pair moves of one row: every coordinate's two neighbouring levels, with the best partner for
/// each.
class RowPairs {
 public:
  RowPairs(const LevelSet& set, const Tensor& h, float* values, const float* weights,
           const float* steps)
      : set_(set), n_(h.size(0)), h_(h.const_data_ptr<float>()), values_(values), weights_(weights),
        steps_(steps), gradient_(n_), up_(n_), up_cost_(n_), down_(n_), down_cost_(n_) {
    for (std::int64_t i = 0; i < n_; ++i) {
      double sum = 0;
      for (std::int64_t j = 0; j < n_; ++j)
        sum += static_cast<double>(h_[i * n_ + j]) * (weights_[j] - values_[j]);
      gradient_[i] = static_cast<float>(sum);
    }
    for (std::int64_t i = 0; i < n_; ++i)
      list_moves(i);
  }

  std::int64_t pass() {
    std::int64_t taken = 0;
    for (std::int64_t i = 0; i < n_; ++i)
      taken += try_pair(i, up_[i], up_cost_[i]) || try_pair(i, down_[i], down_cost_[i]);
    return taken;
  }

 private:
  void list_moves(std::int64_t i) {
    const auto& levels = set_.levels;
    const float level = values_[i] / steps_[i];
    const auto at =
        std::lower_bound(levels.begin(), levels.end(), level - 1e-6f * std::fabs(level));
    up_[i] = at + 1 < levels.end() ? at[1] * steps_[i] - values_[i] : 0;
    down_[i] = at > levels.begin() ? at[-1] * steps_[i] - values_[i] : 0;
    up_cost_[i] = cost(i, up_[i]);
    down_cost_[i] = cost(i, down_[i]);
  }

  float cost(std::int64_t i, float distance) const {
    if (distance == 0)
      return std::numeric_limits<float>::infinity();
    return distance * (distance * h_[i * n_ + i] - 2 * gradient_[i]);
  }

  bool try_pair(std::int64_t i, float distance, float own_cost) {
    if (distance == 0)
      return false;
    const RowMoves moves{n_, up_.data(), up_cost_.data(), down_.data(), down_cost_.data()};
    const Partner partner = best_partner(moves, h_ + i * n_, distance, i);
    const float square = h_[i * n_ + i] * distance * distance;
    if (partner.coordinate < 0 || !(own_cost + partner.cost < -1e-4f * square))
      return false;
    const std::int64_t j = partner.coordinate;
    const float other = partner.is_up ? up_[j] : down_[j];
    values_[i] += distance;
    values_[j] += other;
    for (std::int64_t k = 0; k < n_; ++k)
      gradient_[k] -= h_[i * n_ + k] * distance + h_[j * n_ + k] * other;
    for (std::int64_t k = 0; k < n_; ++k)
      list_moves(k);
    return true;
  }

  const LevelSet& set_;
  std::int64_t n_;
  const float* h_;
  float* values_;
  const float *weights_, *steps_;
  std::vector<float> gradient_, up_, up_cost_, down_, down_cost_;
};

/// values [rows, n] are changed in place.
std::int64_t move_pairs(const Tensor& weights, Tensor& values, const Tensor& steps, const Tensor& h,
                        const ElementGrid& grid, int passes) {
  const LevelSet set = levels_of(grid);
  const std::int64_t n = h.size(0);
  std::atomic<std::int64_t> moves = 0;
  float* to = values.mutable_data_ptr<float>();
  at::parallel_for(0, values.size(0), 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t row = begin; row < end; ++row) {
      RowPairs pairs(set, h, to + row * n, weights.const_data_ptr<float>() + row * n,
                     steps.const_data_ptr<float>() + row * n);
      for (int pass = 0; pass < passes; ++pass) {
        const std::int64_t taken = pairs.pass();
        moves += taken;
        if (taken == 0)
          break;
      }
    }
  });
  return moves;
}

} // namespace

DescentResult descend(const Tensor& weights, const Tensor& start, const Tensor& steps,
                      const Tensor& h, const ElementGrid& grid, const DescentOptions& options) {
  DescentResult result{start.clone(at::MemoryFormat::Contiguous), {}};
  const Tensor single = h.to(at::kFloat).contiguous(), errors = (weights - start).contiguous(),
               all_steps = steps.contiguous();
  const std::int64_t rows = start.size(1);
  std::atomic<std::int64_t> moves = 0;
  std::atomic<bool> converged = true;
  at::parallel_for(0, (rows + strip_width - 1) / strip_width, 1,
                   [&](std::int64_t begin, std::int64_t end) {
                     for (std::int64_t chunk = begin; chunk < end; ++chunk) {
                       const std::int64_t first = chunk * strip_width,
                                          count = std::min(strip_width, rows - first);
                       Strip strip{first, count, take(result.values, first, count, 0),
                                   take(errors, first, count, 0), take(all_steps, first, count, 1)};
                       sweep_until_still(strip, single, grid, options.sweeps);
                       put(strip.values, first, count, result.values);
                       moves += strip.moves;
                       converged = converged && strip.converged;
                     }
                   });
  if (options.pairs > 0) {
    Tensor by_row = result.values.t().contiguous();
    result.pair_moves = move_pairs(weights.t().contiguous(), by_row, steps.t().contiguous(), single,
                                   grid, options.pairs);
    result.values = by_row.t().contiguous();
  }
  const Tensor left = (weights - result.values).to(at::kDouble);
  result.errors = (at::matmul(h, left) * left).sum(0);
  result.moves = moves;
  result.converged = converged;
  return result;
}

} // namespace latticelens
