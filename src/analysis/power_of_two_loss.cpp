// Figure 2, finding E: what power-of-two scales cost beside exact ones, before and after full
// rotation.
#include "analysis/charts.h"
#include "analysis/rows.h"
#include "analysis/statistics.h"
#include <array>

namespace latticelens {
namespace {

struct Pair {
  Format power_of_two, exact;
  std::array<Ratios, 3> cost = {}; // by rotation
};

class PowerOfTwoLoss : public Analysis {
 public:
  explicit PowerOfTwoLoss(const AnalysisSetting& setting) {
    const std::string block = ":" + std::to_string(setting.format.block);
    pairs_.push_back({parse_format("mxfp4" + block), parse_format("bfp4" + block)});
    pairs_.push_back({parse_format("mxint4" + block), parse_format("bint4" + block)});
  }

  void see(const Sample& sample) override {
    for (Pair& pair : pairs_)
      for (const Rotation rotation : all_rotations)
        pair.cost[static_cast<std::size_t>(rotation)].add(
            sample.relative_error(pair.power_of_two, rotation),
            sample.relative_error(pair.exact, rotation));
  }

  Finding finding() const override {
    const Pair &floating = pairs_[0], &integer = pairs_[1];
    if (floating.cost[0].count() == 0)
      return {.sentence = "Nothing is lost by rounding."};
    bool costs = true, costs_more = true;
    TableChart table{.title = "Error with power-of-two scales over that with fp16 scales",
                     .columns = {"formats", "none", "full", "block"},
                     .caption = "Geometric means over inputs, by rotation."};
    for (const Pair& pair : pairs_) {
      costs = costs && pair.cost[0].mean() > 1.02;
      costs_more = costs_more && pair.cost[1].mean() > pair.cost[0].mean();
      table.rows.push_back({pair.power_of_two.name + " over " + pair.exact.name,
                            pair.cost[0].mean(), pair.cost[1].mean(), pair.cost[2].mean()});
    }
    const auto words = [](const Pair& pair) {
      return pair.power_of_two.name + "'s error is " + number_text(pair.cost[0].mean()) +
             " times that of " + pair.exact.name + ", " + number_text(pair.cost[1].mean()) +
             " times after full rotation";
    };
    return {.verdict = costs && costs_more ? Verdict::supported : Verdict::refuted,
            .sentence = words(floating) + "; " + words(integer) + ".",
            .numbers = {{"floating_none", floating.cost[0].mean()},
                        {"floating_full", floating.cost[1].mean()},
                        {"integer_none", integer.cost[0].mean()},
                        {"integer_full", integer.cost[1].mean()}},
            .charts = {to_json(table)}};
  }

 private:
  std::vector<Pair> pairs_;
};

} // namespace

AnalysisRow power_of_two_loss() {
  return {"power-of-two-loss", "What power-of-two scales cost", "Figure 2, finding E",
          "Power-of-two scales cost accuracy beside fp16 scales, and more so after rotation.",
          make_analysis<PowerOfTwoLoss>};
}

} // namespace latticelens
