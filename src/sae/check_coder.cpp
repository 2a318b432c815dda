#include "sae/check_coder.h"

#include "core/error.h"
#include <ATen/ATen.h>
#include <cmath>

namespace latticelens {
namespace {

std::string text_of(at::IntArrayRef shape) {
  std::string text;
  for (const std::int64_t size : shape)
    text += (text.empty() ? "[" : ", ") + std::to_string(size);
  return text.empty() ? "[]" : text + "]";
}

void check_tensor(const Tensor& tensor, at::IntArrayRef shape, const char* name,
                  const std::string& where) {
  const std::string what = where + ": " + name;
  require(tensor.defined(), "sae", what + " is missing; a coder needs it");
  require(tensor.sizes() == shape, "sae",
          what + " has the shape " + text_of(tensor.sizes()) + "; it should be " + text_of(shape));
  require(tensor.scalar_type() == at::kFloat && tensor.is_cpu(), "sae",
          what + " should be fp32 on the CPU; convert it");
  require(at::isfinite(tensor).all().item<bool>(), "sae",
          what + " has values that are not finite; the training diverged or the file is damaged");
}

void check_selection(const CoderConfig& config, std::int64_t latents, const std::string& where) {
  if (config.selection != Selection::threshold)
    require(config.k >= 1 && config.k <= latents, "sae",
            where + ": k is " + std::to_string(config.k) + "; it should be 1 to the " +
                std::to_string(latents) + " latents");
  if (config.selection == Selection::threshold)
    check_tensor(config.thresholds, {latents}, "thresholds", where);
  if (config.selection == Selection::batch_top_k && config.thresholds.defined())
    check_tensor(config.thresholds, {1}, "thresholds", where);
}

} // namespace

void check_coder(const Coder& coder, const std::string& where) {
  const CoderWeights& weights = coder.weights;
  require(weights.encoder.defined() && weights.encoder.dim() == 2 && weights.encoder.numel() > 0,
          "sae", where + ": the encoder is no matrix; it should be [latents, width]");
  const std::int64_t latents = weights.latents(), width = weights.width();
  check_tensor(weights.encoder, {latents, width}, "the encoder", where);
  check_tensor(weights.encoder_bias, {latents}, "the encoder's bias", where);
  check_tensor(weights.decoder, {latents, width}, "the decoder", where);
  check_tensor(weights.bias, {width}, "b_dec", where);
  check_selection(coder.config, latents, where);
  if (coder.config.scaling == InputScaling::mean_norm)
    require(std::isfinite(coder.config.input_factor) && coder.config.input_factor > 0, "sae",
            where + ": the inputs' factor is " + std::to_string(coder.config.input_factor) +
                "; it should be a positive number");
}

} // namespace latticelens
