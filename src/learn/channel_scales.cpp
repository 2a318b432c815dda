#include "learn/channel_scales.h"

#include "core/error.h"
#include "learn/channel_factors.h"
#include "quantize/smoothing.h"
#include <ATen/ATen.h>
#include <cmath>

namespace latticelens {
namespace {

constexpr double strength = 0.5;

/// Key-value channels as the query heads that share them read them.
Tensor by_query_head(const Tensor& values, const Config& config) {
  const std::int64_t heads = config.key_value_heads, group = config.heads / heads;
  return values.view({heads, 1, -1}).expand({-1, group, -1}).reshape({-1});
}

/// The largest over the query heads that share a value.
Tensor by_value_head(const Tensor& queries, const Config& config) {
  return queries.view({config.key_value_heads, config.heads / config.key_value_heads, -1})
      .amax(1)
      .view({-1});
}

const Stage& stage_of(const Layout& layout, const std::string& linear) {
  for (const Stage& stage : layout.stages)
    if (stage.linears.front() == linear)
      return stage;
  throw Error("learn", "no stage begins with " + linear);
}

Tensor largest_of(const Block& block, const std::vector<std::string>& readers) {
  Tensor largest;
  for (const std::string& reader : readers) {
    const Tensor own = block.linears.at(reader).weight.abs().amax(0).to(at::kDouble);
    largest = largest.defined() ? at::maximum(largest, own) : own;
  }
  return largest;
}

Tensor logarithms(const Tensor& inputs, const Tensor& weights) {
  return detail::smoothing_factors(inputs, weights, strength)
      .clamp_min(least_channel_scale)
      .log()
      .to(at::kFloat);
}

const Tensor& seen(const ChannelMaxima& maxima, const Stage& stage) {
  const auto found = maxima.find(stage.name);
  require(found != maxima.end(), "learn",
          stage.name + ": no calibration token reached it; give more text");
  return found->second;
}

void scale_columns(Block& block, const std::string& reader, const Tensor& scales) {
  Tensor& weight = block.linears.at(reader).weight;
  weight = times_columns(weight, scales);
}

/// The rows that write values, divided; and the columns that read them, multiplied.
void scale_values(Block& block, const Tensor& logarithm, const Model& model) {
  const RotationSites& sites = model.layout->rotation;
  const Tensor shrink = (-logarithm).exp();
  std::map<std::string, Tensor> rows_of; // by linear, 1 for what is no value
  std::int64_t first = 0;
  for (const Rows& rows : sites.values) {
    Tensor& factors = rows_of[rows.linear];
    if (!factors.defined())
      factors = at::ones({block.linears.at(rows.linear).weight.size(0)}, at::kFloat);
    factors = at::slice_scatter(factors, shrink.narrow(0, first, rows.count), 0, rows.first,
                                rows.first + rows.count);
    first += rows.count;
  }
  for (const auto& [name, factors] : rows_of) {
    Linear& linear = block.linears.at(name);
    linear.weight = times_rows(linear.weight, factors);
    if (linear.bias.defined())
      linear.bias = linear.bias * factors;
  }
  scale_columns(block, sites.value_reader, by_query_head(logarithm.exp(), model.config));
}

void scale_weights(Block& block, const ChannelScales& scales, const Model& model) {
  for (const auto& [norm, readers] : model.layout->rotation.norm_readers)
    if (const auto own = scales.norms.find(norm); own != scales.norms.end())
      for (const std::string& reader : readers)
        scale_columns(block, reader, own->second.exp());
  if (scales.values.defined())
    scale_values(block, scales.values, model);
}

} // namespace

void see_channels(ChannelMaxima& maxima, std::string_view place, const Tensor& x) {
  if (x.numel() == 0)
    return;
  const Tensor largest = x.reshape({-1, x.size(-1)}).abs().amax(0).to(at::kDouble);
  Tensor& known = maxima[std::string(place.substr(place.rfind('.') + 1))];
  known = known.defined() ? at::maximum(known, largest) : largest;
}

ChannelScales first_channel_scales(const Model& model, const Block& block,
                                   const ChannelMaxima& maxima) {
  ChannelScales scales;
  if (model.config.experts > 0)
    return scales;
  const RotationSites& sites = model.layout->rotation;
  for (const auto& [norm, readers] : sites.norm_readers)
    scales.norms[norm] = logarithms(seen(maxima, stage_of(*model.layout, readers.front())),
                                    largest_of(block, readers));
  if (!sites.values.empty() && !sites.value_reader.empty())
    scales.values = logarithms(
        by_value_head(seen(maxima, stage_of(*model.layout, sites.value_reader)), model.config),
        by_value_head(largest_of(block, {sites.value_reader}), model.config));
  return scales;
}

void install_channel_scales(Block& block, const ChannelScales& scales, const Model& model) {
  scale_weights(block, scales, model);
  for (const auto& [norm, readers] : model.layout->rotation.norm_readers)
    if (const auto own = scales.norms.find(norm); own != scales.norms.end()) {
      InputFunction& function = block.inputs[stage_of(*model.layout, readers.front()).name];
      function = [before = function, shrink = (-own->second).exp()](const Tensor& x) {
        const Tensor scaled = times_columns(x, shrink);
        return before ? before(scaled) : scaled;
      };
    }
}

void fold_channel_scales(Block& block, const ChannelScales& scales, const Model& model) {
  scale_weights(block, scales, model);
  for (const auto& [name, logarithm] : scales.norms) {
    Norm& norm = block.norms.at(name);
    const Tensor shrink = (-logarithm.detach()).exp();
    norm.gain = norm.gain * shrink;
    if (norm.bias.defined())
      norm.bias = norm.bias * shrink;
  }
}

} // namespace latticelens
