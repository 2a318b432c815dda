// Table 22, on tensors: rotations with every format of blocks.
#include "analysis/charts.h"
#include "analysis/format_errors.h"
#include "analysis/rows.h"

namespace latticelens {
namespace {

constexpr int fine_enough = 8; // bits from which on the paper sees nothing to gain

class OtherFormats : public Analysis {
 public:
  explicit OtherFormats(const AnalysisSetting& setting) : block_(setting.format.block) {
    for (const FormatRow& row : formats())
      rows_.push_back({row.make()});
  }

  void see(const Sample& sample) override {
    for (FormatErrors& row : rows_)
      row.see(sample);
  }

  Finding finding() const override {
    std::int64_t count = 0, worse = 0, best = 0;
    for (const FormatErrors& row : rows_) {
      if (row.full.count() == 0 || row.format.block != block_ ||
          row.format.code_bits() >= fine_enough)
        continue;
      const double full = row.full.mean(), block = row.block.mean();
      ++count;
      worse += full > 1 ? 1 : 0;
      best += block < 1 && block < full ? 1 : 0;
    }
    if (count == 0)
      return {.sentence = "No format below 8 bits has blocks of this size that divide the widths."};
    return {.verdict = worse == count && best == count ? Verdict::supported : Verdict::refuted,
            .sentence = "Of " + std::to_string(count) + " formats below 8 bits in blocks of " +
                        std::to_string(block_) +
                        ", full "
                        "rotation makes the error of " +
                        std::to_string(worse) + " larger, and block rotation leaves the least in " +
                        std::to_string(best) + ".",
            .numbers = {{"formats", count}, {"full_worse", worse}, {"block_best", best}},
            .charts = {chart()}};
  }

 private:
  Json chart() const {
    TableChart table{.title = "Error of every format",
                     .columns = {"format", "relative error", "full over none", "block over none"},
                     .caption = "Geometric means over inputs; relative error without rotation."};
    for (const FormatErrors& row : rows_)
      if (row.full.count() > 0)
        table.rows.push_back({row.format.name, row.none.mean(), row.full.mean(), row.block.mean()});
    return to_json(table);
  }

  std::int64_t block_;
  std::vector<FormatErrors> rows_;
};

} // namespace

AnalysisRow other_formats() {
  return {"other-formats", "Rotations with other formats", "Table 22",
          "Below 8 bits full rotation worsens every format of blocks, and block rotation is best.",
          make_analysis<OtherFormats>};
}

} // namespace latticelens
