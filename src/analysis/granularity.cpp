// Table 20, on tensors: full rotation by the number of values that share a scale (BINT4).
#include "analysis/charts.h"
#include "analysis/format_errors.h"
#include "analysis/rows.h"

namespace latticelens {
namespace {

class Granularity : public Analysis {
 public:
  explicit Granularity(const AnalysisSetting&) {
    for (const char* name :
         {"bint4:row", "bint4:1024", "bint4:512", "bint4:128", "bint4:64", "bint4:32"})
      rows_.push_back({parse_format(name)});
  }

  void see(const Sample& sample) override {
    for (FormatErrors& row : rows_)
      if (row.format.block < sample.width()) // else it is the whole row
        row.see(sample);
  }

  Finding finding() const override {
    const double row = rows_.front().full.mean(), fine = rows_.back().full.mean();
    if (rows_.back().full.count() == 0)
      return {.sentence = "No width is a multiple of 32."};
    return {.verdict = row < 1 && fine > 1 ? Verdict::supported : Verdict::refuted,
            .sentence = "Full rotation multiplies bint4's error by " + number_text(row) +
                        " with one scale a row and by " + number_text(fine) +
                        " with one for 32 values" + turning_point() + ".",
            .numbers = {{"row", row}, {"of_32", fine}},
            .charts = {chart()}};
  }

 private:
  /// The finest granularity at which rotation still helps.
  std::string turning_point() const {
    for (std::size_t i = rows_.size() - 1; i > 0; --i)
      if (rows_[i].full.count() > 0 && rows_[i].full.mean() < 1)
        return "; down to " + std::to_string(rows_[i].format.block) + " values it still helps";
    return "";
  }

  Json chart() const {
    TableChart table{.title = "bint4 by granularity",
                     .columns = {"values a scale", "relative error", "full over none", "inputs"},
                     .caption = "Geometric means over the inputs that the size divides; with "
                                "different inputs in a row, read across rows with care."};
    for (const FormatErrors& row : rows_)
      if (row.none.count() > 0)
        table.rows.push_back({row.format.block == 0 ? "row" : std::to_string(row.format.block),
                              row.none.mean(), row.full.mean(), std::to_string(row.none.count())});
    return to_json(table);
  }

  std::vector<FormatErrors> rows_;
};

} // namespace

AnalysisRow granularity() {
  return {"granularity", "Rotation and granularity", "Table 20",
          "Full rotation helps where many values share a scale and hurts where 32 do.",
          make_analysis<Granularity>};
}

} // namespace latticelens
