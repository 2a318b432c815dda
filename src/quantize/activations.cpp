#include "quantize/activations.h"

#include "tensor/device.h"
#include "tensor/gradient.h"
#include "tensor/single_thread.h"
#include <ATen/ATen.h>
#include <algorithm>

namespace latticelens {
namespace {

using SharedTransform = std::shared_ptr<const Transform>;

/// A stage's input on its way to its linears.
struct Path {
  SharedTransform transform;    // null: none
  Constant centre;              // undefined: none
  std::optional<Format> format; // settled for the input
  bool any() const { return transform || centre.defined() || format; }
};

std::optional<Format> format_of(const ActivationSpec& spec, const InputBasis& basis) {
  std::optional<Format> format = spec.format;
  if (format && basis.second_scale)
    format->rule.tensor_scale = *basis.second_scale;
  return format;
}

Path path_of(const Stage& stage, const Layout& layout, const ActivationSpec& spec) {
  const auto own = spec.inputs.find(stage.name);
  const InputBasis basis = own == spec.inputs.end() ? InputBasis() : own->second;
  return {transform_of_input(stage, layout, spec, basis),
          spec.format ? Constant(basis.centre) : Constant(), format_of(spec, basis)};
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

Tensor in_fp32(const Tensor& x, const Format& format, SnapCounts& counts) {
  if (wants_gradient({x}))
    return straight_through(format.quantize(x.detach(), counts), x);
  return format.quantize(x, counts);
}

/// The values that the linears read, in fp32.
InputFunction simulating_function(const Path& path, const ActivationSpec& spec) {
  if (!path.centre.defined())
    return quantized_after(path.transform, path.format, spec.counts, in_fp32);
  return quantized_after(
      path.transform, path.format, spec.counts,
      [centre = path.centre](const Tensor& x, const Format& format, SnapCounts& counts) {
        const Tensor& mean = centre.beside(x);
        return in_fp32(x - mean, format, counts) + mean;
      });
}

/// The same without the centre, which the linears' biases hold, as encoded rows of `width`; in one
/// pass where the transform can be done while encoding.
InputFunction encoding_function(const Path& path, const ActivationSpec& spec, std::int64_t width) {
  const auto fused = path.transform ? path.transform->while_encoding(width) : std::nullopt;
  BlockTransform block = fused.value_or(BlockTransform());
  if (path.centre.defined())
    block.centre = path.centre.value().const_data_ptr<float>();
  return quantized_after(fused ? nullptr : path.transform, path.format, spec.counts,
                         [path, block](const Tensor& x, const Format& format, SnapCounts& counts) {
                           return encode_rows(x, format, counts, block); // points into `path`
                         });
}

/// What a linear adds to the product with encoded rows.
Tensor packed_bias(const Tensor& bias, const PackedMatrix& weight, const Path& path) {
  if (!path.centre.defined())
    return bias;
  const SingleThreadMkl one_thread; // the same bytes at any number of threads
  const Tensor of_centre =
      weight.values().to(at::kDouble).mv(path.centre.value().to(at::kDouble)).to(at::kFloat);
  return bias.defined() ? bias + of_centre : of_centre;
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
    install_input(block, stage, layout, spec);
  block.heads = {.queries = query_function(spec),
                 .keys = cached_function(spec.query_key, spec),
                 .values = cached_function(nullptr, spec)};
}

void install_input(Block& block, const Stage& stage, const Layout& layout,
                   const ActivationSpec& spec) {
  if (const Path path = path_of(stage, layout, spec); path.any())
    block.inputs[stage.name] = simulating_function(path, spec);
}

std::shared_ptr<const Transform> transform_of_input(const Stage& stage, const Layout& layout,
                                                    const ActivationSpec& spec,
                                                    const InputBasis& basis) {
  if (basis.transform)
    return basis.transform;
  const std::vector<OnlineInput>& online = layout.rotation.down;
  const bool rotated = std::any_of(online.begin(), online.end(), [&](const OnlineInput& input) {
    return input.stage == stage.name;
  });
  return rotated ? spec.down_input : nullptr;
}

void install_packed_products(Block& block, const Layout& layout, const ActivationSpec& spec) {
  PackedMatrices packed;
  for (const auto& [name, linear] : block.linears)
    if (auto matrix = PackedMatrix::of(linear.weight))
      packed.emplace(name, std::move(*matrix));
  install_packed_products(block, layout, spec, packed);
}

void install_packed_products(Block& block, const Layout& layout, const ActivationSpec& spec,
                             const PackedMatrices& packed) {
  if (!spec.format || !has_encoded_rows(*spec.format))
    return;
  for (const Stage& stage : layout.stages) {
    if (!std::all_of(stage.linears.begin(), stage.linears.end(),
                     [&](const std::string& name) { return packed.contains(name); }))
      continue;
    const Path path = path_of(stage, layout, spec);
    block.inputs[stage.name] =
        encoding_function(path, spec, packed.at(stage.linears.front()).columns());
    for (const std::string& name : stage.linears) {
      Linear& linear = block.linears.at(name);
      const PackedMatrix& weight = packed.at(name);
      linear.product = [weight, bias = packed_bias(linear.bias, weight, path)](const Tensor& x) {
        return linear_of(x, weight, bias);
      };
    }
  }
}

} // namespace latticelens
