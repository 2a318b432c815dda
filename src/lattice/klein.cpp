#include "lattice/klein.h"

#include "core/error.h"
#include "core/random.h"
#include "kernels/best_paths.h"
#include "kernels/product.h"
#include "lattice/factor.h"
#include "lattice/row_strips.h"
#include <ATen/ATen.h>
#include <algorithm>
#include <cmath>

namespace latticelens {
namespace {

constexpr std::int64_t block_columns = 32;

/// One draw of a strip of rows at a time.
class Sampler {
 public:
  Sampler(const Tensor& l, const ElementGrid& grid, const KleinOptions& options)
      : n_(l.size(0)), feedback_(feedback_of(l)),
        diagonal_(l.diagonal().to(at::kFloat).contiguous()), levels_(levels_of(grid).levels),
        options_(options) {}

  /// strip: as Babai's rule left it; its values, errors and squared_errors are replaced where a
  /// draw is better.
  void improve(RowStrip& strip) const {
    std::vector<double> scales(strip.count);
    for (std::int64_t r = 0; r < strip.count; ++r) {
      for (std::int64_t i = 0; i < n_; ++i)
        scales[r] += std::pow(diagonal(i) * strip.steps[i * strip_width + r], 2);
      scales[r] *= options_.temperature / static_cast<double>(n_);
    }
    for (std::int64_t sample = 0; sample < options_.samples; ++sample)
      draw(strip, sample, scales);
  }

 private:
  float diagonal(std::int64_t i) const { return diagonal_.const_data_ptr<float>()[i]; }

  void draw(RowStrip& strip, std::int64_t sample, const std::vector<double>& scales) const {
    std::vector<float> targets = strip.weights, values(targets.size()), errors(targets.size());
    std::vector<double> costs(strip.count);
    std::vector<Random> random;
    for (std::int64_t r = 0; r < strip.count; ++r)
      random.emplace_back(derived_seed(options_.seed + static_cast<std::uint64_t>(sample),
                                       "klein row " + std::to_string(strip.first + r)));
    const float* feedback = feedback_.const_data_ptr<float>();
    for (std::int64_t first = 0; first < n_; first += block_columns) {
      const std::int64_t last = std::min(first + block_columns, n_);
      add_product<float>(last - first, first, {feedback + first * n_, n_}, errors.data(),
                         &targets[first * strip_width], strip_width);
      for (std::int64_t i = first; i < last; ++i)
        for (std::int64_t r = 0; r < strip.count; ++r) {
          const std::int64_t at = i * strip_width + r;
          float target = targets[at];
          for (std::int64_t j = first; j < i; ++j)
            target += feedback[i * n_ + j] * errors[j * strip_width + r];
          const float step = strip.steps[at];
          values[at] = choose_level(target / step, diagonal(i) * step, scales[r], random[r]) * step;
          errors[at] = strip.weights[at] - values[at];
          costs[r] += std::pow(diagonal(i) * (target - values[at]), 2);
        }
    }
    for (std::int64_t r = 0; r < strip.count; ++r)
      if (costs[r] < strip.squared_errors[r])
        take(strip, r, costs[r], values, errors);
  }

  void take(RowStrip& strip, std::int64_t r, double cost, const std::vector<float>& values,
            const std::vector<float>& errors) const {
    strip.squared_errors[r] = cost;
    for (std::int64_t i = 0; i < n_; ++i) {
      strip.values[i * strip_width + r] = values[i * strip_width + r];
      strip.errors[i * strip_width + r] = errors[i * strip_width + r];
    }
  }

  /// Levels further than two from the nearest have no chance that a draw would meet.
  float choose_level(float target, double cell, double scale, Random& random) const {
    const std::int64_t count = static_cast<std::int64_t>(levels_.size());
    const std::int64_t above =
        std::lower_bound(levels_.begin(), levels_.end(), target) - levels_.begin();
    const std::int64_t first = std::max<std::int64_t>(0, above - 2),
                       last = std::min(count, above + 2);
    double nearest = std::numeric_limits<double>::infinity(), sum = 0, weights[4];
    for (std::int64_t k = first; k < last; ++k)
      nearest = std::min(nearest, std::pow(cell * (target - levels_[k]), 2));
    for (std::int64_t k = first; k < last; ++k) {
      const double more = std::pow(cell * (target - levels_[k]), 2) - nearest;
      sum += weights[k - first] = scale > 0 ? std::exp(-more / scale) : more == 0;
    }
    double left = random.uniform() * sum;
    for (std::int64_t k = first; k + 1 < last; ++k)
      if ((left -= weights[k - first]) < 0)
        return levels_[k];
    return levels_[last - 1];
  }

  std::int64_t n_;
  Tensor feedback_, diagonal_;
  std::vector<float> levels_;
  const KleinOptions& options_;
};

} // namespace

BabaiResult klein(const Tensor& weights, const Tensor& l, const ElementGrid& grid,
                  const KleinOptions& klein_options, const BabaiOptions& options,
                  const ChooseSteps& choose) {
  require(klein_options.samples >= 1 && klein_options.temperature >= 0, "klein",
          "samples must be 1 or more, the temperature not negative");
  const Sampler sampler(l, grid, klein_options);
  const BabaiResult start = babai(weights, l, grid, options, choose);
  BabaiResult best = for_row_strips(weights, [&](RowStrip& strip) {
    fill_strip(start.values, strip.first, strip.count, strip.values);
    fill_strip(start.steps, strip.first, strip.count, strip.steps);
    for (std::int64_t r = 0; r < strip.count; ++r)
      strip.squared_errors[r] = start.errors.const_data_ptr<double>()[strip.first + r];
    sampler.improve(strip);
  });
  best.clipped = start.clipped;
  return best;
}

} // namespace latticelens
