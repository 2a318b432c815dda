// Figure 7: the blocks' largest magnitudes along one token, and how rotations change them over all.
#include "analysis/charts.h"
#include "analysis/rows.h"
#include "analysis/statistics.h"
#include <algorithm>
#include <array>

namespace latticelens {
namespace {

class OneToken : public Analysis {
 public:
  explicit OneToken(const AnalysisSetting&) {}

  void see(const Sample& sample) override {
    if (sample.energy() == 0)
      return;
    const std::vector<float>& none = sample.blocks(Rotation::none).maximum;
    for (const Rotation rotation : {Rotation::full, Rotation::block}) {
      const std::vector<float>& rotated = sample.blocks(rotation).maximum;
      std::array<Ratios, 2> of_kind; // regular blocks, outlier blocks
      for (std::size_t i = 0; i < none.size(); ++i)
        of_kind[sample.outlier_blocks()[i] ? 1 : 0].add(rotated[i], none[i]);
      for (std::size_t kind = 0; kind < 2; ++kind)
        if (of_kind[kind].count() > 0)
          changes_[kind][rotation == Rotation::full ? 0 : 1].add(of_kind[kind].mean(), 1);
    }
    keep_most_uneven(sample);
  }

  Finding finding() const override {
    const double regular_full = changes_[0][0].mean(), regular_block = changes_[0][1].mean(),
                 outlier_full = changes_[1][0].mean(), outlier_block = changes_[1][1].mean();
    if (changes_[0][0].count() == 0)
      return {.sentence = "There are no regular blocks that are not zero."};
    const bool holds = regular_full > 1.02 && regular_block < regular_full && outlier_block < 1;
    return {.verdict = holds ? Verdict::supported : Verdict::refuted,
            .sentence = "Full rotation multiplies the largest magnitude of a regular block by " +
                        number_text(regular_full) + " and that of an outlier block by " +
                        number_text(outlier_full) + ", block rotation by " +
                        number_text(regular_block) + " and " + number_text(outlier_block) +
                        " (geometric means).",
            .numbers = {{"regular_full", regular_full},
                        {"regular_block", regular_block},
                        {"outlier_full", outlier_full},
                        {"outlier_block", outlier_block}},
            .charts = {chart_}};
  }

 private:
  /// The token with the largest ratio of the largest to the median block.
  void keep_most_uneven(const Sample& sample) {
    const std::vector<float>& none = sample.blocks(Rotation::none).maximum;
    const auto blocks = static_cast<std::size_t>(sample.width() / sample.block());
    for (std::size_t first = 0; first < none.size(); first += blocks) {
      std::vector<float> sorted(none.begin() + static_cast<std::ptrdiff_t>(first),
                                none.begin() + static_cast<std::ptrdiff_t>(first + blocks));
      std::sort(sorted.begin(), sorted.end());
      const float middle = sorted[blocks / 2];
      if (middle > 0 && sorted.back() / middle > unevenness_) {
        unevenness_ = sorted.back() / middle;
        chart_ = chart(sample, first, blocks);
      }
    }
  }

  static Json chart(const Sample& sample, std::size_t first, std::size_t blocks) {
    std::vector<Curve> curves;
    for (const Rotation rotation : all_rotations) {
      Curve curve{.name = to_text(rotation)};
      for (std::size_t i = 0; i < blocks; ++i)
        curve.points.emplace_back(i, sample.blocks(rotation).maximum[first + i] /
                                         sample.root_mean_square());
      curves.push_back(std::move(curve));
    }
    return to_json(CurvesChart{
        .title = "Blocks of one row: layer " + std::to_string(sample.place().layer) + ", " +
                 sample.place().name + ", row " + std::to_string(first / blocks),
        .x = "block",
        .y = "largest magnitude, in root mean squares of the input",
        .y_logarithmic = true,
        .curves = std::move(curves),
        .caption = "The row of the samples whose largest block stands out most: full rotation "
                   "lifts all blocks to one height, block rotation lowers the one."});
  }

  std::array<std::array<Ratios, 2>, 2> changes_; // [regular, outlier][full, block]
  float unevenness_ = 0;
  Json chart_;
};

} // namespace

AnalysisRow one_token() {
  return {
      "one-token", "What rotations do to block scales", "Figure 7",
      "Full rotation raises the scales of regular blocks; block rotation lowers those of outlier "
      "blocks and leaves the regular ones.",
      make_analysis<OneToken>};
}

} // namespace latticelens
