// Table 17, on tensors: the format's block size by the rotation's.
#include "analysis/charts.h"
#include "analysis/rows.h"
#include "analysis/statistics.h"
#include <array>
#include <cmath>

namespace latticelens {
namespace {

constexpr std::array<std::int64_t, 3> sizes = {16, 32, 64};
constexpr std::size_t full = sizes.size(); // the last column

class BothBlockSizes : public Analysis {
 public:
  explicit BothBlockSizes(const AnalysisSetting& setting) {
    const std::string& name = setting.format.name;
    for (const std::int64_t size : sizes) {
      Format format = setting.format;
      format.block = size;
      format.name = name + " in " + std::to_string(size); // the key of its errors
      formats_.push_back(std::move(format));
    }
  }

  void see(const Sample& sample) override {
    if (sample.width() % sizes.back() != 0 || sample.energy() == 0)
      return;
    for (std::size_t column = 0; column <= full; ++column) {
      const std::int64_t size = column == full ? full_rotation_size(sample.width()) : sizes[column];
      const Tensor x = rotate(sample.values(), size, sample.setting().seed);
      for (std::size_t row = 0; row < sizes.size(); ++row)
        ratios_[row][column].add(
            squared_error(x, rounded(x, formats_[row], sample.place().weights)) / sample.energy(),
            sample.relative_error(formats_[row], Rotation::none));
    }
  }

  Finding finding() const override {
    if (ratios_[0][0].count() == 0)
      return {.sentence = "No width is a multiple of 64."};
    Finding finding{.verdict = Verdict::supported, .charts = {chart()}};
    for (std::size_t row = 0; row < sizes.size(); ++row) {
      std::size_t best = row;
      for (std::size_t column = 0; column <= full; ++column)
        if (ratios_[row][column].mean() < ratios_[row][best].mean())
          best = column;
      if (best != row)
        finding.verdict = Verdict::refuted;
      const std::string size = std::to_string(sizes[row]);
      finding.sentence +=
          (row == 0 ? "In blocks of " : "; of ") + size + " rotations of " + name_of(best) +
          " leave the least, " + number_text(ratios_[row][best].mean()) +
          " of the error without rotation" +
          (best == row
               ? ""
               : " (" + number_text(ratios_[row][row].mean()) + " with those of the block's size)");
      finding.numbers["best_for_" + size] = best == full ? Json("full") : Json(sizes[best]);
    }
    finding.sentence += ".";
    return finding;
  }

 private:
  static std::string name_of(std::size_t column) {
    return column == full ? "the whole width" : std::to_string(sizes[column]);
  }

  Json chart() const {
    TableChart table{.title = "Error by both block sizes, of that without rotation",
                     .columns = {"format’s block", "rotations of 16", "of 32", "of 64", "full"},
                     .caption = "Geometric means over inputs whose width is a multiple of 64. The "
                                "paper's table has perplexities after GPTQ."};
    for (std::size_t row = 0; row < sizes.size(); ++row) {
      table.rows.push_back({std::to_string(sizes[row])});
      for (const Ratios& ratios : ratios_[row])
        table.rows.back().push_back(ratios.mean());
    }
    return to_json(table);
  }

  std::vector<Format> formats_;
  std::array<std::array<Ratios, full + 1>, sizes.size()> ratios_;
};

} // namespace

AnalysisRow both_block_sizes() {
  return {"both-block-sizes", "Block size of the format and of the rotation", "Table 17",
          "A rotation is best when its size equals the format's block.",
          make_analysis<BothBlockSizes>};
}

} // namespace latticelens
