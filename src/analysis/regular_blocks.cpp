// Figure 6: the error of the blocks without outliers under each rotation, layer by layer.
#include "analysis/charts.h"
#include "analysis/rows.h"
#include "analysis/statistics.h"
#include <array>
#include <cmath>

namespace latticelens {
namespace {

/// Mean squared error of the values in blocks that held no outlier before any rotation.
double error_of_regular(const Sample& sample, Rotation rotation) {
  const std::vector<bool>& outliers = sample.outlier_blocks();
  const std::vector<double>& errors = sample.blocks(rotation).error;
  double sum = 0;
  std::int64_t blocks = 0;
  for (std::size_t i = 0; i < errors.size(); ++i)
    if (!outliers[i]) {
      sum += errors[i];
      ++blocks;
    }
  return sum / static_cast<double>(blocks * sample.block());
}

class RegularBlocks : public Analysis {
 public:
  explicit RegularBlocks(const AnalysisSetting&) {}

  void see(const Sample& sample) override {
    const double none = error_of_regular(sample, Rotation::none);
    if (!(none > 0))
      return;
    const double unit = sample.root_mean_square() * sample.root_mean_square();
    for (const Rotation rotation : all_rotations) {
      const double error = error_of_regular(sample, rotation);
      layers_[static_cast<std::size_t>(rotation)][sample.place().layer].add(error, unit);
      ratios_[static_cast<std::size_t>(rotation)].add(error, none);
    }
  }

  Finding finding() const override {
    const double full = ratios_[1].mean(), block = ratios_[2].mean();
    if (!std::isfinite(full))
      return {.sentence = "No block is without an outlier."};
    return {.verdict = above_one(full),
            .sentence = "Full rotation multiplies the error of regular blocks by " +
                        number_text(full) + " (geometric mean of " +
                        std::to_string(ratios_[1].count()) + " inputs; it rises in " +
                        percent_text(ratios_[1].share_above_one()) +
                        " of them), block rotation by " + number_text(block) + ".",
            .numbers = {{"full_over_none", full},
                        {"block_over_none", block},
                        {"inputs", ratios_[1].count()},
                        {"inputs_worse_full", ratios_[1].share_above_one()},
                        {"inputs_worse_block", ratios_[2].share_above_one()}},
            .charts = {chart()}};
  }

 private:
  Json chart() const {
    std::vector<Curve> curves;
    for (const Rotation rotation : all_rotations) {
      Curve curve{.name = to_text(rotation)};
      for (const auto& [layer, errors] : layers_[static_cast<std::size_t>(rotation)])
        curve.points.emplace_back(layer, errors.mean());
      curves.push_back(std::move(curve));
    }
    return to_json(CurvesChart{.title = "Error of regular blocks",
                               .x = "layer",
                               .y = "mean squared error over the mean square of the input",
                               .y_logarithmic = true,
                               .curves = std::move(curves),
                               .caption =
                                   "Geometric mean over the inputs of a layer. The blocks are "
                                   "the same three times: those that hold none of the "
                                   "largest values before rotation."});
  }

  std::array<std::map<std::int64_t, Ratios>, 3> layers_;
  std::array<Ratios, 3> ratios_;
};

} // namespace

AnalysisRow regular_blocks() {
  return {"regular-blocks", "Error of blocks without outliers", "Figure 6",
          "Full rotation increases the quantization error of regular blocks.",
          make_analysis<RegularBlocks>};
}

} // namespace latticelens
