// Figure 4: the largest magnitude of every channel before and after rotations.
#include "analysis/charts.h"
#include "analysis/rows.h"
#include "analysis/statistics.h"
#include <ATen/ATen.h>
#include <algorithm>
#include <array>
#include <cmath>

namespace latticelens {
namespace {

constexpr std::size_t most_points = 256; // of a curve

struct Channels {
  std::vector<double> energy, largest; // by channel
};

Channels channels_of(const Tensor& x) {
  const std::int64_t rows = x.size(0), width = x.size(1);
  Channels channels{std::vector<double>(width), std::vector<double>(width)};
  const float* values = x.const_data_ptr<float>();
  for (std::int64_t row = 0; row < rows; ++row)
    for (std::int64_t k = 0; k < width; ++k) {
      const double value = std::abs(values[row * width + k]);
      channels.energy[k] += value * value;
      channels.largest[k] = std::max(channels.largest[k], value);
    }
  return channels;
}

/// Share of the sum in the largest hundredth of the numbers (at least one).
double share_of_top_hundredth(std::vector<double> numbers) {
  std::sort(numbers.begin(), numbers.end(), std::greater<>());
  const std::size_t top = std::max<std::size_t>(1, numbers.size() / 100);
  double sum = 0, of_top = 0;
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    sum += numbers[i];
    of_top += i < top ? numbers[i] : 0;
  }
  return of_top / sum;
}

class ChannelMagnitudes : public Analysis {
 public:
  explicit ChannelMagnitudes(const AnalysisSetting&) {}

  void see(const Sample& sample) override {
    if (sample.energy() == 0)
      return;
    std::array<Channels, 3> seen;
    for (const Rotation rotation : all_rotations) {
      Channels& channels = seen[static_cast<std::size_t>(rotation)];
      channels = channels_of(sample.values(rotation).contiguous());
      top_[static_cast<std::size_t>(rotation)] += share_of_top_hundredth(channels.energy);
      double sum = 0;
      for (const double energy : channels.energy)
        sum += energy;
      energy_change_ = std::max(energy_change_, std::abs(sum / sample.energy() - 1));
    }
    std::int64_t grown = 0;
    for (std::int64_t k = 0; k < sample.width(); ++k)
      grown += seen[1].energy[k] > seen[0].energy[k] ? 1 : 0;
    grown_ += static_cast<double>(grown) / static_cast<double>(sample.width());
    ++inputs_;
    keep_most_uneven(sample, seen);
  }

  Finding finding() const override {
    if (inputs_ == 0)
      return {.sentence = "All values are zero."};
    const double none = top_[0] / inputs_, full = top_[1] / inputs_, block = top_[2] / inputs_,
                 grown = grown_ / inputs_;
    return {.verdict = full < none && grown > 0.5 ? Verdict::supported : Verdict::refuted,
            .sentence = "The strongest hundredth of the channels holds " + percent_text(none) +
                        " of the energy, " + percent_text(full) + " after full and " +
                        percent_text(block) + " after block rotation; full rotation makes " +
                        percent_text(grown) +
                        " of the channels stronger and changes the energy by no more than " +
                        number_text(energy_change_) + " of it.",
            .numbers = {{"top_share_none", none},
                        {"top_share_full", full},
                        {"top_share_block", block},
                        {"channels_grown", grown},
                        {"energy_change", energy_change_}},
            .charts = {chart_}};
  }

 private:
  void keep_most_uneven(const Sample& sample, const std::array<Channels, 3>& seen) {
    std::vector<double> sorted = seen[0].largest;
    std::sort(sorted.begin(), sorted.end());
    const double unevenness = sorted.back() / std::max(1e-30, sorted[sorted.size() / 2]);
    if (unevenness <= unevenness_)
      return;
    unevenness_ = unevenness;
    std::vector<Curve> curves;
    for (const Rotation rotation : all_rotations)
      curves.push_back({to_text(rotation), points_of(seen[static_cast<std::size_t>(rotation)],
                                                     sample.root_mean_square())});
    chart_ = to_json(CurvesChart{
        .title = "Largest magnitude of each channel: layer " +
                 std::to_string(sample.place().layer) + ", " + sample.place().name,
        .x = "channels, the largest first",
        .y = "largest magnitude, in root mean squares",
        .y_logarithmic = true,
        .curves = std::move(curves),
        .caption = "The input whose channels differ most. The paper shows channels and tokens as a "
                   "surface; here each channel's largest value, in order of size."});
  }

  static std::vector<std::pair<double, double>> points_of(const Channels& channels, double unit) {
    std::vector<double> sorted = channels.largest;
    std::sort(sorted.begin(), sorted.end(), std::greater<>());
    const std::size_t step = (sorted.size() + most_points - 1) / most_points;
    std::vector<std::pair<double, double>> points;
    for (std::size_t i = 0; i < sorted.size(); i += step)
      points.emplace_back(static_cast<double>(i + 1), sorted[i] / unit);
    return points;
  }

  std::array<double, 3> top_{};
  double grown_ = 0, energy_change_ = 0, unevenness_ = 0;
  int inputs_ = 0;
  Json chart_;
};

} // namespace

AnalysisRow channels() {
  return {"channels", "Where the energy goes", "Figure 4",
          "Full rotation spreads the energy of a few channels over all: small ones grow, the sum "
          "stays.",
          make_analysis<ChannelMagnitudes>};
}

} // namespace latticelens
