#include "quantize/activations.h"

#include "formats/packed_linear.h"
#include <ATen/ATen.h>

namespace latticelens {
namespace {

bool is_rotated(const Stage& stage, const Family& family, const ActivationSpec& spec) {
  return spec.down_input && std::string_view(stage.name) == family.rotation.down_stage;
}

/// Rotates, then quantizes with `quantize(x, format, counts)`.
template<class Quantize>
InputFunction input_function(const Stage& stage, const Family& family, const ActivationSpec& spec,
                             const Quantize& quantize) {
  const auto rotation = is_rotated(stage, family, spec) ? spec.down_input : nullptr;
  return [rotation, quantize, format = spec.format, counts = spec.counts](const Tensor& x) {
    const Tensor rotated = rotation ? rotation->apply(x) : x;
    if (!format)
      return rotated;
    counts->values += rotated.numel();
    return quantize(rotated, *format, counts->snap);
  };
}

Tensor in_fp32(const Tensor& x, const Format& format, SnapCounts& counts) {
  return format.quantize(x, counts);
}

/// The stage's weights packed; empty when one of them cannot be.
std::vector<PackedMatrix> packed_weights(const Block& block, const Stage& stage) {
  std::vector<PackedMatrix> packed;
  for (const std::string& name : stage.linears)
    if (auto matrix = PackedMatrix::of(block.linears.at(name).weight))
      packed.push_back(std::move(*matrix));
    else
      return {};
  return packed;
}

} // namespace

void install_activations(Block& block, const Family& family, const ActivationSpec& spec) {
  block.inputs.clear();
  for (const Stage& stage : family.stages)
    if (is_rotated(stage, family, spec) || spec.format)
      block.inputs[stage.name] = input_function(stage, family, spec, in_fp32);
}

void install_packed_products(Block& block, const Family& family, const ActivationSpec& spec) {
  if (!spec.format || !has_encoded_rows(*spec.format))
    return;
  for (const Stage& stage : family.stages) {
    const std::vector<PackedMatrix> packed = packed_weights(block, stage);
    if (packed.empty())
      continue;
    block.inputs[stage.name] = input_function(stage, family, spec, encode_rows);
    for (std::size_t i = 0; i < packed.size(); ++i) {
      Linear& linear = block.linears.at(stage.linears[i]);
      linear.product = [weight = packed[i], bias = linear.bias](const Tensor& x) {
        return linear_of(x, weight, bias);
      };
    }
  }
}

} // namespace latticelens
