// Section 4.2: what outlier blocks and regular blocks add to the whole error under each rotation.
#include "analysis/charts.h"
#include "analysis/rows.h"
#include "analysis/statistics.h"
#include <array>

namespace latticelens {
namespace {

struct Split {
  double regular = 0, outlier = 0;
  double sum() const { return regular + outlier; }
};

Split split_of(const Sample& sample, Rotation rotation) {
  const std::vector<bool>& outliers = sample.outlier_blocks();
  const std::vector<double>& errors = sample.blocks(rotation).error;
  Split split;
  for (std::size_t i = 0; i < errors.size(); ++i)
    (outliers[i] ? split.outlier : split.regular) += errors[i];
  return split;
}

class ErrorSplit : public Analysis {
 public:
  explicit ErrorSplit(const AnalysisSetting&) {}

  void see(const Sample& sample) override {
    const double none = split_of(sample, Rotation::none).sum();
    if (none == 0)
      return;
    for (const Rotation rotation : all_rotations) {
      const Split split = split_of(sample, rotation);
      const auto i = static_cast<std::size_t>(rotation);
      shares_[i].regular += split.regular / none;
      shares_[i].outlier += split.outlier / none;
      totals_[i].add(split.sum(), none);
    }
    std::int64_t outliers = 0;
    for (const bool outlier : sample.outlier_blocks())
      outliers += outlier ? 1 : 0;
    outlier_blocks_ +=
        static_cast<double>(outliers) / static_cast<double>(sample.outlier_blocks().size());
    ++inputs_;
  }

  Finding finding() const override {
    if (inputs_ == 0)
      return {.sentence = "Nothing is lost by rounding."};
    const double full = totals_[1].mean(), block = totals_[2].mean();
    const Split none = mean(0), rotated = mean(1);
    return {.verdict = above_one(full),
            .sentence = "Full rotation multiplies the whole error by " + number_text(full) +
                        ", block rotation by " + number_text(block) +
                        " (geometric means over inputs); " +
                        percent_text(1 - outlier_blocks_ / inputs_) +
                        " of the blocks are regular and make " +
                        percent_text(none.regular / none.sum()) + " of the error, " +
                        percent_text(rotated.regular / rotated.sum()) + " after full rotation.",
            .numbers = {{"full_over_none", full},
                        {"block_over_none", block},
                        {"inputs_worse_full", totals_[1].share_above_one()},
                        {"inputs_worse_block", totals_[2].share_above_one()},
                        {"regular_blocks", 1 - outlier_blocks_ / inputs_},
                        {"regular_share_none", none.regular / none.sum()},
                        {"regular_share_full", rotated.regular / rotated.sum()}},
            .charts = {chart()}};
  }

 private:
  Split mean(std::size_t rotation) const {
    return {shares_[rotation].regular / inputs_, shares_[rotation].outlier / inputs_};
  }

  Json chart() const {
    TableChart table{.title = "Error, as a share of the error without rotation",
                     .columns = {"rotation", "regular blocks", "outlier blocks", "all blocks"},
                     .caption = "Mean over inputs; the blocks are the same three times."};
    for (const Rotation rotation : all_rotations) {
      const Split split = mean(static_cast<std::size_t>(rotation));
      table.rows.push_back({to_text(rotation), split.regular, split.outlier, split.sum()});
    }
    return to_json(table);
  }

  std::array<Split, 3> shares_;
  std::array<Ratios, 3> totals_;
  double outlier_blocks_ = 0;
  int inputs_ = 0;
};

} // namespace

AnalysisRow error_split() {
  return {"error-split", "Which blocks the error comes from", "Section 4.2",
          "Regular blocks outnumber outlier blocks so far that their growth raises the whole error "
          "under full rotation.",
          make_analysis<ErrorSplit>};
}

} // namespace latticelens
