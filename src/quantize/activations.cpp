#include "quantize/activations.h"

#include "formats/packed_linear.h"
#include "tensor/gradient.h"
#include <ATen/ATen.h>
#include <algorithm>

namespace latticelens {
namespace {

using SharedTransform = std::shared_ptr<const Transform>;

/// What the stage's input goes through; null: nothing.
SharedTransform transform_of(const Stage& stage, const Layout& layout, const ActivationSpec& spec) {
  if (const auto own = spec.inputs.find(stage.name); own != spec.inputs.end())
    return own->second;
  const std::vector<OnlineInput>& online = layout.rotation.down;
  const bool rotated = std::any_of(online.begin(), online.end(), [&](const OnlineInput& input) {
    return input.stage == stage.name;
  });
  return rotated ? spec.down_input : nullptr;
}

/// y = x T has the gradient g Tᵀ, which is what brings a weight back.
Tensor transformed_by(const SharedTransform& transform, const Tensor& x) {
  if (!transform)
    return x;
  if (!wants_gradient({x}))
    return transform->apply(x);
  return with_gradient(transform->apply(x.detach()), {x}, [transform](const Tensor& gradient) {
    return std::vector<Tensor>{transform->restore_weight(gradient)};
  });
}

/// Transforms, then quantizes with `quantize(x, format, counts)`.
template<class Quantize>
std::function<Tensor(const Tensor&)>
quantized_after(const SharedTransform& transform, const std::optional<Format>& format,
                const std::shared_ptr<ActivationCounts>& counts, const Quantize& quantize) {
  return [transform, quantize, format, counts](const Tensor& x) {
    const Tensor transformed = transformed_by(transform, x);
    if (!format)
      return transformed;
    counts->values += transformed.numel();
    return quantize(transformed, *format, counts->snap);
  };
}

template<class Quantize>
InputFunction input_function(const SharedTransform& transform, const ActivationSpec& spec,
                             const Quantize& quantize) {
  return quantized_after(transform, spec.format, spec.counts, quantize);
}

Tensor in_fp32(const Tensor& x, const Format& format, SnapCounts& counts) {
  if (wants_gradient({x}))
    return straight_through(format.quantize(x.detach(), counts), x);
  return format.quantize(x, counts);
}

/// The same as encoded rows of `width`; in one pass where the transform can be done while encoding.
InputFunction encoding_function(const SharedTransform& transform, const ActivationSpec& spec,
                                std::int64_t width) {
  const auto fused = transform ? transform->while_encoding(width) : std::nullopt;
  if (fused)
    return input_function(
        nullptr, spec,
        [transform, block = *fused](const Tensor& x, const Format& format, SnapCounts& counts) {
          return encode_rows(x, format, counts, block); // points into `transform`
        });
  return input_function(transform, spec,
                        [](const Tensor& x, const Format& format, SnapCounts& counts) {
                          return encode_rows(x, format, counts);
                        });
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

/// The rotation alone: queries are not stored.
HeadFunction query_function(const ActivationSpec& spec) {
  if (!spec.query_key)
    return {};
  return [transform = spec.query_key](const Tensor& x) { return transformed_by(transform, x); };
}

/// A head's vector of one token is a row [head_dimension]: blocks and rows lie inside it.
HeadFunction cached_function(const SharedTransform& transform, const ActivationSpec& spec) {
  if (!transform && !spec.kv)
    return {};
  return quantized_after(transform, spec.kv, spec.counts, in_fp32);
}

} // namespace

ActivationSpec activations_of(const Method& method, const Rotations& rotations) {
  return {.down_input = rotations.down_input,
          .format = method.activation,
          .query_key = rotations.query_key,
          .kv = method.kv};
}

void install_activations(Block& block, const Layout& layout, const ActivationSpec& spec) {
  block.inputs.clear();
  for (const Stage& stage : layout.stages)
    if (const SharedTransform transform = transform_of(stage, layout, spec);
        transform || spec.format)
      block.inputs[stage.name] = input_function(transform, spec, in_fp32);
  block.heads = {.queries = query_function(spec),
                 .keys = cached_function(spec.query_key, spec),
                 .values = cached_function(nullptr, spec)};
}

void install_input_transform(Block& block, const std::string& stage,
                             const std::shared_ptr<const Transform>& transform,
                             const ActivationSpec& spec) {
  block.inputs[stage] = input_function(transform, spec, in_fp32);
}

void install_packed_products(Block& block, const Layout& layout, const ActivationSpec& spec) {
  if (!spec.format || !has_encoded_rows(*spec.format))
    return;
  for (const Stage& stage : layout.stages) {
    const std::vector<PackedMatrix> packed = packed_weights(block, stage);
    if (packed.empty())
      continue;
    block.inputs[stage.name] =
        encoding_function(transform_of(stage, layout, spec), spec, packed.front().columns());
    for (std::size_t i = 0; i < packed.size(); ++i) {
      Linear& linear = block.linears.at(stage.linears[i]);
      linear.product = [weight = packed[i], bias = linear.bias](const Tensor& x) {
        return linear_of(x, weight, bias);
      };
    }
  }
}

} // namespace latticelens
