// Table 18, on tensors: what a rotation is worth at each position.
#include "analysis/charts.h"
#include "analysis/format_errors.h"
#include "analysis/rows.h"

namespace latticelens {
namespace {

class Positions : public Analysis {
 public:
  explicit Positions(const AnalysisSetting& setting) : format_(setting.format) {}

  void see(const Sample& sample) override {
    positions_.try_emplace(sample.place().position, FormatErrors{format_})
        .first->second.see(sample);
    names_.try_emplace(sample.place().name, FormatErrors{format_}).first->second.see(sample);
  }

  Finding finding() const override {
    if (positions_.empty())
      return {.sentence = "Nothing was looked at."};
    Finding finding{.verdict = Verdict::supported, .charts = {chart()}};
    for (const auto& [position, errors] : positions_) {
      if (errors.block.count() == 0)
        return {.sentence = "Nothing is lost by rounding at " + position + "."};
      const double block = errors.block.mean();
      if (block >= 1)
        finding.verdict = Verdict::refuted;
      finding.sentence +=
          (finding.sentence.empty() ? "Block rotation multiplies the error at " : ", at ") +
          position + " by " + number_text(block) + " (full: " + number_text(errors.full.mean()) +
          ")";
      finding.numbers[position] = {{"block_over_none", block},
                                   {"full_over_none", errors.full.mean()}};
    }
    finding.sentence += ".";
    return finding;
  }

 private:
  Json chart() const {
    TableChart table{.title = "Error of each kind of input",
                     .columns = {"input", "relative error", "full over none", "block over none"},
                     .caption = "Geometric means over layers; relative error without rotation. R1: "
                                "inputs from the residual stream, R2: the heads' values, R4: the "
                                "feed-forward part's last input."};
    for (const auto& [name, errors] : names_)
      table.rows.push_back({name, errors.none.mean(), errors.full.mean(), errors.block.mean()});
    return to_json(table);
  }

  Format format_;
  std::map<std::string, FormatErrors> positions_, names_;
};

} // namespace

AnalysisRow positions() {
  return {"positions", "Block rotation at each position", "Table 18",
          "Block rotation helps at R1, at R2 and at R4.", make_analysis<Positions>};
}

} // namespace latticelens
