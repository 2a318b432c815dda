// Figure 8, on tensors: the error by the size of the rotation. (Perplexities by size: bench --axis
// rotation-size.)
#include "analysis/charts.h"
#include "analysis/rows.h"
#include "analysis/statistics.h"
#include <cmath>

namespace latticelens {
namespace {

constexpr std::int64_t smallest = 4, largest = 1024;

class RotationSize : public Analysis {
 public:
  explicit RotationSize(const AnalysisSetting& setting) : block_(setting.format.block) {}

  void see(const Sample& sample) override {
    const double none = sample.relative_error(sample.setting().format, Rotation::none);
    if (none == 0)
      return;
    const std::int64_t width = sample.width(), full = full_rotation_size(width);
    ++inputs_;
    for (std::int64_t size = smallest; size <= largest && width % size == 0 && size < full;
         size *= 2)
      add(size, width, error(sample, size), none);
    add(0, width, sample.relative_error(sample.setting().format, Rotation::full), none);
    full_[width] = full;
  }

  Finding finding() const override {
    const auto found = sizes_.find(block_);
    if (found == sizes_.end() || found->second.count() != inputs_)
      return {.sentence = "No input can be rotated in blocks of the format's size."};
    std::int64_t best = block_;
    for (const auto& [size, ratios] : sizes_)
      if (ratios.count() == inputs_ && ratios.mean() < sizes_.at(best).mean())
        best = size;
    const double own = found->second.mean(), least = sizes_.at(best).mean();
    return {.verdict = best == block_       ? Verdict::supported
                       : own < 1.01 * least ? Verdict::not_decidable
                                            : Verdict::refuted,
            .sentence = "Rotations of " + size_text(best) + " leave the least error, " +
                        number_text(least) + " of that without rotation" +
                        (best == block_ ? ""
                                        : "; those of the format's block, " + size_text(block_) +
                                              ", leave " + number_text(own)) +
                        "; full ones leave " + number_text(sizes_.at(0).mean()) + ".",
            .numbers = {{"best_size", best == 0 ? Json("full") : Json(best)},
                        {"error_best", least},
                        {"error_block", own},
                        {"error_full", sizes_.at(0).mean()}},
            .charts = {chart()}};
  }

 private:
  static double error(const Sample& sample, std::int64_t size) {
    const Tensor x = rotate(sample.values(), size, sample.setting().seed);
    return squared_error(x, rounded(x, sample.setting().format, sample.place().weights)) /
           sample.energy();
  }
  static std::string size_text(std::int64_t size) {
    return size == 0 ? "the whole width" : std::to_string(size);
  }
  void add(std::int64_t size, std::int64_t width, double error, double none) {
    sizes_[size].add(error, none);
    widths_[width][size].add(error, none);
  }

  Json chart() const {
    std::vector<Curve> curves;
    for (const auto& [width, sizes] : widths_) {
      Curve curve{.name = "width " + std::to_string(width)};
      for (const auto& [size, ratios] : sizes)
        if (size > 0)
          curve.points.emplace_back(size, ratios.mean());
      curve.points.emplace_back(full_.at(width), sizes.at(0).mean());
      curves.push_back(std::move(curve));
    }
    return to_json(CurvesChart{
        .title = "Error by the size of the rotation",
        .x = "size of the rotation; the last point of a curve is the full one",
        .y = "squared error, of that without rotation",
        .x_logarithmic = true,
        .curves = std::move(curves),
        .caption = "Geometric mean over the inputs of a width. The paper's figure shows "
                   "perplexities, which bench --axis rotation-size measures."});
  }

  std::int64_t block_;
  std::map<std::int64_t, Ratios> sizes_; // 0: full
  std::map<std::int64_t, std::map<std::int64_t, Ratios>> widths_;
  std::map<std::int64_t, std::int64_t> full_;
  std::size_t inputs_ = 0;
};

} // namespace

AnalysisRow rotation_size() {
  return {
      "rotation-size", "The best size of a rotation", "Figure 8",
      "A rotation of the size of the format's block is best; larger and smaller ones are worse.",
      make_analysis<RotationSize>};
}

} // namespace latticelens
