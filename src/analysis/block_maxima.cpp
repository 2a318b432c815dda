// Figure 9: the blocks' largest magnitudes before and after rotations.
#include "analysis/block_growth.h"
#include "analysis/charts.h"
#include "analysis/rows.h"
#include "analysis/statistics.h"
#include <array>
#include <cmath>

namespace latticelens {
namespace {

constexpr double most_of_them = 0.7; // the paper's share

class BlockMaxima : public Analysis {
 public:
  explicit BlockMaxima(const AnalysisSetting&) {}

  void see(const Sample& sample) override {
    if (sample.energy() == 0)
      return;
    const std::vector<float>& none = sample.blocks(Rotation::none).maximum;
    const std::vector<float>& full = sample.blocks(Rotation::full).maximum;
    for (std::size_t i = 0; i < none.size(); ++i)
      if (!sample.outlier_blocks()[i]) {
        ++regular_;
        grown_ += full[i] > none[i] ? 1 : 0;
        substantially_ += full[i] > substantial_growth * none[i] ? 1 : 0;
      }
    for (const Rotation rotation : all_rotations)
      for (const float maximum : sample.blocks(rotation).maximum)
        if (maximum > 0)
          ++counts_[static_cast<std::size_t>(rotation)]
                   [static_cast<int>(std::floor(std::log2(maximum / sample.root_mean_square())))];
  }

  Finding finding() const override {
    if (regular_ == 0)
      return {.sentence = "There are no regular blocks."};
    const double any = share(grown_), substantial = share(substantially_);
    return {.verdict = substantial > most_of_them ? Verdict::supported : Verdict::refuted,
            .sentence = "After full rotation the largest magnitude is larger than before in " +
                        percent_text(any) + " of the regular blocks, by more than a quarter in " +
                        percent_text(substantial) + " (the paper: substantially in over 70 %).",
            .numbers = {{"grown", any},
                        {"grown_substantially", substantial},
                        {"substantial_growth", substantial_growth},
                        {"regular_blocks", regular_}},
            .charts = {chart()}};
  }

 private:
  double share(std::int64_t count) const {
    return static_cast<double>(count) / static_cast<double>(regular_);
  }

  Json chart() const {
    ExponentsChart chart{.title = "Largest magnitudes of blocks",
                         .caption = "Powers of two times the root mean square of the input; all "
                                    "blocks of all inputs."};
    for (const Rotation rotation : all_rotations)
      chart.rows.emplace_back(to_text(rotation), counts_[static_cast<std::size_t>(rotation)]);
    return to_json(chart);
  }

  std::int64_t regular_ = 0, grown_ = 0, substantially_ = 0;
  std::array<std::map<int, std::int64_t>, 3> counts_;
};

} // namespace

AnalysisRow block_maxima() {
  return {
      "block-maxima", "Block scales under full rotation", "Figure 9",
      "Full rotation increases the scales of more than 70 % of the regular blocks substantially.",
      make_analysis<BlockMaxima>};
}

} // namespace latticelens
