// Figure 3 (b), (c): rounding errors by magnitude in blocks with and without outliers, with
// power-of-two and with exact scales.
#include "analysis/charts.h"
#include "analysis/exact_scales.h"
#include "analysis/rows.h"
#include "analysis/statistics.h"
#include <ATen/ATen.h>
#include <array>
#include <bit>
#include <cmath>

namespace latticelens {
namespace {

constexpr std::int64_t least_values = 50; // of a bin that is shown

constexpr std::size_t first_bin = 2 * (127 - 8); // 2^-8 root mean squares: below, all become zero
constexpr std::size_t bins = 2 * 256;            // half octaves of all exponents of a float

/// Half octaves from 2^-127 on. Exponent and mantissa say which: no logarithm for every value.
std::size_t half_octave(float magnitude) {
  const auto bits = std::bit_cast<std::uint32_t>(magnitude);
  constexpr std::uint32_t root_of_two = 0x3504F3; // mantissa of sqrt(2)
  return 2 * (bits >> 23 & 0xFF) + ((bits & 0x7FFFFF) > root_of_two ? 1 : 0);
}

/// Mean rounding errors of values by magnitude; magnitudes and errors over the input's root mean
/// square.
class ByMagnitude {
 public:
  void add(float magnitude, double error) {
    Bin& bin = bins_[half_octave(magnitude)];
    bin.error += error;
    ++bin.count;
  }
  std::vector<std::pair<double, double>> means() const {
    std::vector<std::pair<double, double>> points;
    for (std::size_t i = first_bin; i < bins; ++i)
      if (bins_[i].count >= least_values)
        points.emplace_back(std::exp2((static_cast<double>(i) + 0.5) / 2 - 127),
                            bins_[i].error / static_cast<double>(bins_[i].count));
    return points;
  }
  double largest() const {
    double largest = 0;
    for (const auto& [magnitude, error] : means())
      largest = std::max(largest, error);
    return largest;
  }

 private:
  struct Bin {
    double error = 0;
    std::int64_t count = 0;
  };
  std::array<Bin, bins> bins_{};
};

class LargeValues : public Analysis {
 public:
  explicit LargeValues(const AnalysisSetting& setting)
      : format_(setting.format), exact_(with_exact_scales(setting.format)) {}

  void see(const Sample& sample) override {
    if (sample.energy() == 0)
      return;
    collect(sample, format_, of_format_);
    if (exact_)
      collect(sample, *exact_, of_exact_);
  }

  Finding finding() const override {
    const double regular = of_format_[0].largest(), outlier = of_format_[1].largest();
    if (regular == 0 || outlier == 0)
      return {.sentence = "There are too few values in one kind of blocks."};
    const double trend_regular = rank_correlation(of_format_[0].means()),
                 trend_outlier = rank_correlation(of_format_[1].means());
    const bool holds = trend_regular > 0.8 && trend_outlier > 0.8 && outlier > regular;
    Finding finding{
        .verdict = holds ? Verdict::supported : Verdict::refuted,
        .sentence = "The largest mean error of a magnitude is " + number_text(outlier / regular) +
                    " times as large in outlier blocks as in regular ones (the paper: up to 5); "
                    "errors follow magnitudes with a rank correlation of " +
                    number_text(trend_outlier) + " and " + number_text(trend_regular) + ".",
        .numbers = {{"outlier_over_regular", outlier / regular},
                    {"rank_correlation_outlier", trend_outlier},
                    {"rank_correlation_regular", trend_regular}},
        .charts = {chart()}};
    if (exact_)
      finding.numbers["outlier_over_regular_exact_scales"] =
          of_exact_[1].largest() / of_exact_[0].largest();
    return finding;
  }

 private:
  using Kinds = ByMagnitude[2]; // regular blocks, outlier blocks

  static void collect(const Sample& sample, const Format& format, Kinds& kinds) {
    const Tensor q = rounded(sample.values(), format, sample.place().weights).contiguous();
    const float* from = sample.values().const_data_ptr<float>();
    const float* to = q.const_data_ptr<float>();
    const std::vector<bool>& outliers = sample.outlier_blocks();
    const float unit = static_cast<float>(1 / sample.root_mean_square());
    const std::int64_t block = sample.block();
    for (std::size_t b = 0; b < outliers.size(); ++b) {
      ByMagnitude& kind = kinds[outliers[b] ? 1 : 0];
      const std::int64_t first = static_cast<std::int64_t>(b) * block;
      for (std::int64_t i = first; i < first + block; ++i)
        kind.add(std::fabs(from[i]) * unit, std::fabs(from[i] - to[i]) * unit);
    }
  }

  Json chart() const {
    std::vector<Curve> curves = {{"outlier blocks, " + format_.name, of_format_[1].means()},
                                 {"regular blocks, " + format_.name, of_format_[0].means()}};
    if (exact_) {
      curves.push_back({"outlier blocks, " + exact_->name, of_exact_[1].means()});
      curves.push_back({"regular blocks, " + exact_->name, of_exact_[0].means()});
    }
    return to_json(CurvesChart{
        .title = "Rounding error by magnitude",
        .x = "magnitude, in root mean squares of the input",
        .y = "mean error, in the same unit",
        .x_logarithmic = true,
        .y_logarithmic = true,
        .curves = std::move(curves),
        .caption =
            "Half octaves with at least 50 values, all inputs; from 1/256 root mean square on."});
  }

  Format format_;
  std::optional<Format> exact_;
  Kinds of_format_, of_exact_;
};

} // namespace

AnalysisRow large_values() {
  return {
      "large-values", "Large values are restored worst", "Figure 3 (b), (c)",
      "Rounding errors grow with the magnitude, and the outliers' are larger than any in blocks "
      "without outliers.",
      make_analysis<LargeValues>};
}

} // namespace latticelens
