// Figure 3 (a): how far the power of two that becomes a block's scale lies from the exact one.
#include "analysis/charts.h"
#include "analysis/rows.h"
#include "analysis/statistics.h"
#include <ATen/ATen.h>
#include <cmath>

namespace latticelens {
namespace {

constexpr int bins_of_an_octave = 8;
constexpr std::int64_t least_blocks = 100; // of an octave that counts for the slope
constexpr std::int64_t least_of_bin = 10;  // that is drawn

class PowerOfTwoScales : public Analysis {
 public:
  explicit PowerOfTwoScales(const AnalysisSetting& setting) : setting_(setting) {}

  void see(const Sample& sample) override {
    const Tensor scales = setting_.format.fit(sample.values()).contiguous();
    const float* scale = scales.const_data_ptr<float>();
    const std::vector<float>& maxima = sample.blocks(Rotation::none).maximum;
    for (std::size_t i = 0; i < maxima.size(); ++i)
      if (maxima[i] > 0)
        add(maxima[i] / setting_.format.grid.maximum, scale[i]);
  }

  Finding finding() const override {
    if (setting_.format.scale_type() != ScaleType::e8m0)
      return {.sentence = setting_.format.name + " has no power-of-two scales."};
    const double slope = slope_of(octaves()), share = relative_ / static_cast<double>(blocks_);
    const bool known = std::isfinite(slope);
    return {.verdict = !known                       ? Verdict::not_decidable
                       : slope > 0.8 && slope < 1.2 ? Verdict::supported
                                                    : Verdict::refuted,
            .sentence = "The distance between exact scale and power of two grows as the scale to "
                        "the power of " +
                        number_text(slope) + " over " + std::to_string(octaves().size()) +
                        " octaves (1: in proportion); it is " + percent_text(share) +
                        " of the scale on average, " + percent_text(most_) + " at most.",
            .numbers = {{"slope", slope},
                        {"octaves", octaves().size()},
                        {"mean_relative_error", share},
                        {"largest_relative_error", most_}},
            .charts = {chart()}};
  }

 private:
  struct Bin {
    double exact = 0, error = 0;
    std::int64_t count = 0;
  };

  void add(double exact, double scale) {
    const double error = std::abs(scale - exact);
    Bin& bin = bins_[static_cast<int>(std::floor(bins_of_an_octave * std::log2(exact)))];
    bin.exact += exact;
    bin.error += error;
    ++bin.count;
    ++blocks_;
    relative_ += error / exact;
    most_ = std::max(most_, error / exact);
  }

  /// (log2 of mean exact scale, log2 of mean error) of each octave.
  std::vector<std::pair<double, double>> octaves() const {
    std::map<int, Bin> sums;
    for (const auto& [index, bin] : bins_) {
      Bin& sum = sums[static_cast<int>(std::floor(static_cast<double>(index) / bins_of_an_octave))];
      sum.exact += bin.exact;
      sum.error += bin.error;
      sum.count += bin.count;
    }
    std::vector<std::pair<double, double>> points;
    for (const auto& [octave, sum] : sums)
      if (sum.count >= least_blocks && sum.error > 0)
        points.emplace_back(std::log2(sum.exact / static_cast<double>(sum.count)),
                            std::log2(sum.error / static_cast<double>(sum.count)));
    return points;
  }

  Json chart() const {
    Curve curve{.name = setting_.format.name};
    for (const auto& [index, bin] : bins_)
      if (bin.count >= least_of_bin)
        curve.points.emplace_back(bin.exact / static_cast<double>(bin.count),
                                  bin.error / static_cast<double>(bin.count));
    return to_json(CurvesChart{
        .title = "Rounding error of the scale",
        .x = "exact scale: largest magnitude of a block over the grid's",
        .y = "distance to the power of two that is used",
        .x_logarithmic = true,
        .y_logarithmic = true,
        .curves = {curve},
        .caption =
            "All blocks of all inputs, in eighths of an octave. Both axes are logarithmic: a "
            "line of slope 1 is an error in proportion to the scale; the teeth are the "
            "powers of two."});
  }

  AnalysisSetting setting_;
  std::map<int, Bin> bins_;
  double relative_ = 0, most_ = 0;
  std::int64_t blocks_ = 0;
};

} // namespace

AnalysisRow power_of_two_scales() {
  return {"power-of-two-scales", "Rounding the scale to a power of two", "Figure 3 (a)",
          "The rounding error of a power-of-two scale grows with the scale.",
          make_analysis<PowerOfTwoScales>};
}

} // namespace latticelens
