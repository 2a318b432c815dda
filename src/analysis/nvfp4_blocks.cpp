// Table 21, on tensors: block rotation with NVFP4.
#include "analysis/charts.h"
#include "analysis/format_errors.h"
#include "analysis/rows.h"

namespace latticelens {
namespace {

class Nvfp4Blocks : public Analysis {
 public:
  explicit Nvfp4Blocks(const AnalysisSetting&) {}

  void see(const Sample& sample) override {
    nvfp4_.see(sample);
    if (!divides(nvfp4_.format, sample.width()))
      return;
    const Tensor x = rotate(sample.values(), nvfp4_.format.block, sample.setting().seed);
    own_.add(squared_error(x, rounded(x, nvfp4_.format, sample.place().weights)) / sample.energy(),
             sample.relative_error(nvfp4_.format, Rotation::none));
  }

  Finding finding() const override {
    const double full = nvfp4_.full.mean(), block = nvfp4_.block.mean(), own = own_.mean();
    if (own_.count() == 0)
      return {.sentence = "No width is a multiple of 16, or nothing is lost by rounding."};
    return {.verdict = above_one(1 / std::min(own, block)),
            .sentence = "Rotations of nvfp4's own blocks of 16 multiply its error by " +
                        number_text(own) + ", those of the format's block by " +
                        number_text(block) + ", full ones by " + number_text(full) + ".",
            .numbers = {
                {"block_16_over_none", own}, {"block_over_none", block}, {"full_over_none", full}}};
  }

 private:
  FormatErrors nvfp4_{parse_format("nvfp4")};
  Ratios own_; // rotations of 16
};

} // namespace

AnalysisRow nvfp4_blocks() {
  return {"nvfp4", "Block rotation with NVFP4", "Table 21", "NVFP4 gains from block rotation too.",
          make_analysis<Nvfp4Blocks>};
}

} // namespace latticelens
