// Figure 10: how much of the growth that full rotation brings a block rotation avoids.
#include "analysis/block_growth.h"
#include "analysis/charts.h"
#include "analysis/rows.h"
#include "analysis/statistics.h"

namespace latticelens {
namespace {

constexpr double share_of_paper = 0.8;

class ScaleGrowth : public Analysis {
 public:
  explicit ScaleGrowth(const AnalysisSetting&) {}

  void see(const Sample& sample) override {
    const std::vector<float>& none = sample.blocks(Rotation::none).maximum;
    const std::vector<float>& full = sample.blocks(Rotation::full).maximum;
    const std::vector<float>& block = sample.blocks(Rotation::block).maximum;
    const double unit = sample.root_mean_square();
    Sums& layer = layers_[sample.place().layer];
    for (std::size_t i = 0; i < none.size(); ++i)
      if (full[i] > substantial_growth * none[i]) {
        layer.none += none[i] / unit;
        layer.full += full[i] / unit;
        layer.block += block[i] / unit;
        ++layer.blocks;
        below_ += block[i] < full[i] ? 1 : 0;
      }
  }

  Finding finding() const override {
    Sums sum;
    for (const auto& [layer, sums] : layers_) {
      sum.none += sums.none;
      sum.full += sums.full;
      sum.block += sums.block;
      sum.blocks += sums.blocks;
    }
    if (sum.blocks == 0)
      return {.sentence = "Full rotation makes no block's largest magnitude grow by a quarter."};
    const double avoided = (sum.full - sum.block) / (sum.full - sum.none),
                 below = static_cast<double>(below_) / static_cast<double>(sum.blocks);
    return {.verdict = avoided > share_of_paper ? Verdict::supported : Verdict::refuted,
            .sentence = "Of the growth in the " + std::to_string(sum.blocks) +
                        " blocks that full rotation makes grow by more than a quarter, block "
                        "rotation avoids " +
                        percent_text(avoided) +
                        " (the paper: over 80 %); it stays below full "
                        "rotation in " +
                        percent_text(below) + " of them.",
            .numbers = {{"avoided", avoided}, {"below_full", below}, {"blocks", sum.blocks}},
            .charts = {chart()}};
  }

 private:
  struct Sums {
    double none = 0, full = 0, block = 0; // of largest magnitudes
    std::int64_t blocks = 0;
  };

  Json chart() const {
    std::vector<Curve> curves = {{"none"}, {"full"}, {"block"}};
    for (const auto& [layer, sums] : layers_) {
      if (sums.blocks == 0)
        continue;
      const auto count = static_cast<double>(sums.blocks);
      curves[0].points.emplace_back(layer, sums.none / count);
      curves[1].points.emplace_back(layer, sums.full / count);
      curves[2].points.emplace_back(layer, sums.block / count);
    }
    return to_json(CurvesChart{.title = "Largest magnitude of the blocks that grow",
                               .x = "layer",
                               .y = "mean, in root mean squares of the input",
                               .curves = std::move(curves),
                               .caption = "Blocks whose largest magnitude full rotation raises by "
                                          "more than a quarter."});
  }

  std::map<std::int64_t, Sums> layers_;
  std::int64_t below_ = 0;
};

} // namespace

AnalysisRow scale_growth() {
  return {"scale-growth", "Block scales under block rotation", "Figure 10",
          "Block rotation avoids more than 80 % of the scale growth that full rotation brings.",
          make_analysis<ScaleGrowth>};
}

} // namespace latticelens
