// Figure 5: the share of values above a threshold before and after rotations.
#include "analysis/charts.h"
#include "analysis/rows.h"
#include "analysis/statistics.h"
#include <array>
#include <cmath>

namespace latticelens {
namespace {

constexpr double step = 0.25; // in root mean squares of the input: the paper's model has about 1
constexpr std::size_t steps = 33, large = 12, middling = 6; // thresholds up to 8; 3; 1.5

class Thresholds : public Analysis {
 public:
  explicit Thresholds(const AnalysisSetting&) {}

  void see(const Sample& sample) override {
    if (sample.energy() == 0)
      return;
    const double unit = step * sample.root_mean_square();
    for (const Rotation rotation : all_rotations) {
      const Tensor x = sample.values(rotation).contiguous();
      const float* values = x.const_data_ptr<float>();
      auto& counts = below_[static_cast<std::size_t>(rotation)];
      for (std::int64_t i = 0; i < x.numel(); ++i) // a value of exactly k steps is not above k
        ++counts[static_cast<std::size_t>(
            std::min<double>(steps, std::ceil(std::abs(values[i]) / unit)))];
    }
  }

  Finding finding() const override {
    if (shares(Rotation::none).empty())
      return {.sentence = "All values are zero."};
    const auto none = shares(Rotation::none), full = shares(Rotation::full),
               block = shares(Rotation::block);
    return {.verdict = full[large] < none[large] && full[middling] > none[middling]
                           ? Verdict::supported
                           : Verdict::refuted,
            .sentence = "Above 3 root mean squares lie " + percent_text(none[large]) +
                        " of the values, " + percent_text(full[large]) + " after full and " +
                        percent_text(block[large]) + " after block rotation; above 1.5, " +
                        percent_text(none[middling]) + ", " + percent_text(full[middling]) +
                        " and " + percent_text(block[middling]) +
                        " (the paper: 1 % to almost none, 5 % to 11 %).",
            .numbers = {{"above_3_none", none[large]},
                        {"above_3_full", full[large]},
                        {"above_3_block", block[large]},
                        {"above_1.5_none", none[middling]},
                        {"above_1.5_full", full[middling]},
                        {"above_1.5_block", block[middling]}},
            .charts = {chart()}};
  }

 private:
  /// Share of the values above k steps, k = 0, 1 ...
  std::vector<double> shares(Rotation rotation) const {
    const auto& counts = below_[static_cast<std::size_t>(rotation)];
    std::int64_t total = 0;
    for (const std::int64_t count : counts)
      total += count;
    std::vector<double> all;
    std::int64_t above = total;
    for (std::size_t k = 0; k < steps && total > 0; ++k) {
      above -= counts[k];
      all.push_back(static_cast<double>(above) / static_cast<double>(total));
    }
    return all;
  }

  Json chart() const {
    std::vector<Curve> curves;
    for (const Rotation rotation : all_rotations) {
      Curve curve{.name = to_text(rotation)};
      const std::vector<double> all = shares(rotation);
      for (std::size_t k = 0; k < all.size(); ++k)
        if (all[k] > 0)
          curve.points.emplace_back(static_cast<double>(k) * step, all[k]);
      curves.push_back(std::move(curve));
    }
    return to_json(CurvesChart{.title = "Values above a threshold",
                               .x = "threshold, in root mean squares of the input",
                               .y = "share of the values above it",
                               .y_logarithmic = true,
                               .curves = std::move(curves),
                               .caption = "All values of all inputs, each input in its own unit."});
  }

  std::array<std::array<std::int64_t, steps + 1>, 3> below_{};
};

} // namespace

AnalysisRow thresholds() {
  return {"thresholds", "Fewer large values, more middling ones", "Figure 5",
          "Full rotation removes the largest values and makes more of the others large.",
          make_analysis<Thresholds>};
}

} // namespace latticelens
