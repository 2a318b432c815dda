// Figure 2, finding A: full rotation with one scale a row.
#include "analysis/format_errors.h"
#include "analysis/rows.h"

namespace latticelens {
namespace {

class WholeRows : public Analysis {
 public:
  explicit WholeRows(const AnalysisSetting&) {}
  void see(const Sample& sample) override { int4_.see(sample); }

  Finding finding() const override {
    const double full = int4_.full.mean();
    if (int4_.full.count() == 0)
      return {.sentence = "Nothing is lost by rounding."};
    return {.verdict = above_one(1 / full),
            .sentence = "Full rotation multiplies int4's error by " + number_text(full) +
                        " (geometric mean of " + std::to_string(int4_.full.count()) + " inputs).",
            .numbers = {{"full_over_none", full}, {"block_over_none", int4_.block.mean()}}};
  }

 private:
  FormatErrors int4_{parse_format("int4")};
};

} // namespace

AnalysisRow whole_rows() {
  return {"whole-rows", "Rotation with one scale a row", "Figure 2, finding A",
          "INT4 with a scale for a whole row gains from full rotation.", make_analysis<WholeRows>};
}

} // namespace latticelens
