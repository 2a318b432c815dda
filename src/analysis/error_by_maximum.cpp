// Equation 5: the error of a block by its largest magnitude.
#include "analysis/charts.h"
#include "analysis/rows.h"
#include "analysis/statistics.h"
#include <cmath>

namespace latticelens {
namespace {

constexpr std::int64_t least_blocks = 100;

class ErrorByMaximum : public Analysis {
 public:
  explicit ErrorByMaximum(const AnalysisSetting&) {}

  void see(const Sample& sample) override {
    const BlockNumbers& numbers = sample.blocks(Rotation::none);
    for (std::size_t i = 0; i < numbers.maximum.size(); ++i) {
      if (!(numbers.maximum[i] > 0))
        continue;
      Bin& bin = octaves_[static_cast<int>(std::floor(std::log2(numbers.maximum[i])))];
      bin.maximum += numbers.maximum[i];
      bin.error += numbers.error[i] / static_cast<double>(sample.block());
      ++bin.count;
    }
  }

  Finding finding() const override {
    std::vector<std::pair<double, double>> logarithms;
    for (const auto& [maximum, error] : means())
      logarithms.emplace_back(std::log2(maximum), std::log2(error));
    const double slope = slope_of(logarithms);
    if (!std::isfinite(slope))
      return {.sentence = "All blocks' largest magnitudes are alike."};
    return {.verdict = slope > 1.7 && slope < 2.3 ? Verdict::supported : Verdict::refuted,
            .sentence = "The mean squared error of a block grows as its largest magnitude to the "
                        "power of " +
                        number_text(slope) + " over " + std::to_string(logarithms.size()) +
                        " octaves (the paper: 2).",
            .numbers = {{"exponent", slope}, {"octaves", logarithms.size()}},
            .charts = {to_json(CurvesChart{.title = "Error by the block’s largest magnitude",
                                           .x = "largest magnitude of the block",
                                           .y = "mean squared error of its values",
                                           .x_logarithmic = true,
                                           .y_logarithmic = true,
                                           .curves = {{"none", means()}},
                                           .caption = "Octaves with at least 100 blocks, all "
                                                      "inputs, without rotation."})}};
  }

 private:
  struct Bin {
    double maximum = 0, error = 0;
    std::int64_t count = 0;
  };

  std::vector<std::pair<double, double>> means() const {
    std::vector<std::pair<double, double>> points;
    for (const auto& [octave, bin] : octaves_)
      if (bin.count >= least_blocks && bin.error > 0)
        points.emplace_back(bin.maximum / static_cast<double>(bin.count),
                            bin.error / static_cast<double>(bin.count));
    return points;
  }

  std::map<int, Bin> octaves_;
};

} // namespace

AnalysisRow error_by_maximum() {
  return {"error-by-maximum", "Larger scales, larger errors", "Equation 5",
          "The mean squared error of a block grows with the square of its largest magnitude.",
          make_analysis<ErrorByMaximum>};
}

} // namespace latticelens
