// Not a figure of the paper, but what its perplexities depend on: the error of the inputs as the
// linears' outputs show it. Errors of inputs alone weigh every channel the same.
#include "analysis/charts.h"
#include "analysis/rows.h"
#include "analysis/sampling.h"
#include "analysis/statistics.h"
#include "tensor/linear.h"
#include <ATen/ATen.h>
#include <array>

namespace latticelens {
namespace {

constexpr std::int64_t most_rows = 256; // of a sample: products with the weights cost most here

/// Squared error of (rounded x R) Rᵀ Wᵀ; rotation by the signs and blocks of `rotate`.
double error_of_outputs(const Tensor& x, const Tensor& weight, const Sample& sample,
                        std::int64_t size) {
  const AnalysisSetting& setting = sample.setting();
  const Tensor rotated = rotate(x, size, setting.seed);
  const Tensor difference = rounded(rotated, setting.format, false) - rotated;
  return energy_of(linear_of(difference, rotate(weight, size, setting.seed), {}));
}

class OutputError : public Analysis {
 public:
  explicit OutputError(const AnalysisSetting&) {}

  void see(const Sample& sample) override {
    if (!sample.readers().defined())
      return;
    const Tensor x = spread_rows(sample.values(), most_rows);
    const Tensor& weight = sample.readers();
    const double energy = energy_of(linear_of(x, weight, {}));
    const std::array<std::int64_t, 3> sizes = {1, full_rotation_size(sample.width()),
                                               sample.block()};
    const double none = error_of_outputs(x, weight, sample, 1);
    for (std::size_t i = 0; i < sizes.size(); ++i) {
      const double error = i == 0 ? none : error_of_outputs(x, weight, sample, sizes[i]);
      ratios_[i].add(error, none);
      relative_[sample.place().name][i].add(error, energy);
    }
  }

  Finding finding() const override {
    const double full = ratios_[1].mean(), block = ratios_[2].mean();
    if (ratios_[1].count() == 0)
      return {.sentence = "Outputs are those of inputs; weights alone have none."};
    return {.verdict = full > 1.02 && block < full ? Verdict::supported : Verdict::refuted,
            .sentence =
                "Full rotation of the inputs multiplies the error of the linears' outputs "
                "by " +
                number_text(full) + " (it rises in " + percent_text(ratios_[1].share_above_one()) +
                " of " + std::to_string(ratios_[1].count()) + " inputs), block rotation by " +
                number_text(block) + " (in " + percent_text(ratios_[2].share_above_one()) + ").",
            .numbers = {{"full_over_none", full},
                        {"block_over_none", block},
                        {"inputs_worse_full", ratios_[1].share_above_one()},
                        {"inputs_worse_block", ratios_[2].share_above_one()}},
            .charts = {chart()}};
  }

 private:
  Json chart() const {
    TableChart table{.title = "Error of the outputs, over their energy",
                     .columns = {"input", "no rotation", "full", "block"},
                     .caption = "Geometric means over layers; inputs rounded, weights exact, up to "
                                "256 tokens of each input."};
    for (const auto& [name, errors] : relative_)
      table.rows.push_back({name, errors[0].mean(), errors[1].mean(), errors[2].mean()});
    return to_json(table);
  }

  std::array<Ratios, 3> ratios_; // none, full, block: over none
  std::map<std::string, std::array<Ratios, 3>> relative_;
};

} // namespace

AnalysisRow output_error() {
  return {"output-error", "What the outputs lose", "Sections 3.2, 4.4",
          "Full rotation costs accuracy in MXFP4, and less is lost with block rotation.",
          make_analysis<OutputError>};
}

} // namespace latticelens
