#include "sae/reference_encode.h"

#include "core/error.h"
#include <ATen/ATen.h>

namespace latticelens::reference {
namespace {

/// [B, n]: ReLU of what the encoder gives, rounded to fp32.
Tensor positive_parts(const Coder& coder, const Tensor& x) {
  const CoderWeights& weights = coder.weights;
  const Tensor centred = scale_inputs(coder.config, x).to(at::kDouble) - weights.bias;
  return at::relu(at::linear(centred, weights.encoder.to(at::kDouble),
                             weights.encoder_bias.to(at::kDouble)))
      .to(at::kFloat);
}

/// All but the k largest of the whole matrix become zero.
Tensor largest_of_batch(const Tensor& positive, std::int64_t k) {
  const Tensor flat = positive.flatten();
  const auto [values, places] = at::sort(flat, /*stable=*/true, /*dim=*/0, /*descending=*/true);
  const std::int64_t kept = std::min(k * positive.size(0), flat.numel());
  return at::zeros_like(flat)
      .scatter_(0, places.narrow(0, 0, kept), values.narrow(0, 0, kept))
      .view_as(positive);
}

Tensor selected(const CoderConfig& config, const Tensor& positive) {
  if (config.selection == Selection::top_k)
    return positive; // the sort below selects
  if (config.thresholds.defined())
    return at::where(positive > config.thresholds, positive, at::zeros({}, at::kFloat));
  return largest_of_batch(positive, config.k);
}

} // namespace

Tensor scale_inputs(const CoderConfig& config, const Tensor& x) {
  require(at::isfinite(x).all().item<bool>(), "sae",
          "the activations have values that are not finite; look at the model and its dtype");
  const Tensor wide = x.to(at::kDouble);
  if (config.scaling == InputScaling::mean_norm)
    return (wide * config.input_factor).to(at::kFloat);
  if (config.scaling == InputScaling::none)
    return x.to(at::kFloat);
  const Tensor norms = wide.norm(2, {1}, /*keepdim=*/true);
  return at::where(norms > 0, wide / norms, at::zeros({}, at::kDouble)).to(at::kFloat);
}

Codes encode(const Coder& coder, const Tensor& x) {
  require(x.dim() == 2 && x.size(1) == coder.weights.width(), "sae",
          "the activations should be [tokens, " + std::to_string(coder.weights.width()) +
              "]; they come from another model or site");
  const CoderConfig& config = coder.config;
  const Tensor chosen = selected(config, positive_parts(coder, x));
  std::int64_t k = config.k;
  if (config.selection != Selection::top_k)
    k = x.size(0) == 0 ? 0 : (chosen > 0).sum(1).max().item<std::int64_t>();
  require(k <= coder.weights.latents(), "sae",
          "k is " + std::to_string(k) + ", more than the latents; choose a smaller one");
  const auto [values, indices] = at::sort(chosen, /*stable=*/true, /*dim=*/1, /*descending=*/true);
  return {indices.narrow(1, 0, k).contiguous(), values.narrow(1, 0, k).contiguous()};
}

Tensor decode(const Coder& coder, const Codes& codes) {
  const CoderWeights& weights = coder.weights;
  const Tensor dense = at::zeros({codes.values.size(0), weights.latents()}, at::kDouble)
                           .scatter_add_(1, codes.indices, codes.values.to(at::kDouble));
  return (at::mm(dense, weights.decoder.to(at::kDouble)) + weights.bias).to(at::kFloat);
}

} // namespace latticelens::reference
