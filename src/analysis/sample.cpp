#include "analysis/sample.h"

#include "core/error.h"
#include <ATen/ATen.h>
#include <cmath>

namespace latticelens {

Tensor rounded(const Tensor& x, const Format& format, bool weights) {
  SnapCounts counts;
  return weights ? format.snap(x, format.fit(x), counts) : format.quantize(x, counts);
}

bool divides(const Format& format, std::int64_t width) {
  return format.block == 0 || width % format.block == 0;
}

Sample::Sample(SamplePlace place, Tensor values, const AnalysisSetting& setting, Tensor readers)
    : place_(std::move(place)), values_(values.to(at::kFloat).contiguous()),
      readers_(std::move(readers)), setting_(setting), energy_(energy_of(values_)) {
  require(std::isfinite(energy_), "analyse",
          place_.name + " of layer " + std::to_string(place_.layer) +
              " holds NaN or infinity; is the model damaged?");
  require(setting.format.block > 0 && width() % setting.format.block == 0, "analyse",
          "blocks of " + std::to_string(setting.format.block) + " do not divide the " +
              std::to_string(width()) + " values of " + place_.name +
              "; choose another block, as in --format mxfp4:16");
}

double Sample::root_mean_square() const {
  return std::sqrt(energy_ / static_cast<double>(values_.numel()));
}

const Tensor& Sample::values(Rotation rotation) const {
  if (rotation == Rotation::none)
    return values_;
  const std::lock_guard lock(computing_);
  Tensor& kept = rotated_[rotation];
  if (!kept.defined())
    kept = rotate(values_, rotation == Rotation::full ? full_rotation_size(width()) : block(),
                  setting_.seed);
  return kept;
}

const std::vector<bool>& Sample::outlier_blocks() const {
  const std::lock_guard lock(computing_);
  if (!outlier_blocks_.empty())
    return outlier_blocks_;
  const float threshold = outlier_threshold(values_, setting_.outlier_share);
  for (const float maximum : blocks(Rotation::none).maximum)
    outlier_blocks_.push_back(maximum >= threshold && maximum > 0);
  return outlier_blocks_;
}

const BlockNumbers& Sample::blocks(Rotation rotation) const {
  const std::lock_guard lock(computing_);
  const auto found = blocks_.find(rotation);
  if (found != blocks_.end())
    return found->second;
  const Tensor& x = values(rotation);
  return blocks_[rotation] = block_numbers(x, rounded(x, setting_.format, place_.weights), block());
}

double Sample::relative_error(const Format& format, Rotation rotation) const {
  const std::lock_guard lock(computing_);
  const auto [found, is_new] = errors_.try_emplace({format.name, rotation}, 0);
  if (is_new && energy_ > 0)
    found->second =
        squared_error(values(rotation), rounded(values(rotation), format, place_.weights)) /
        energy_;
  return found->second;
}

} // namespace latticelens
