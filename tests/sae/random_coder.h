// Random coders and inputs for tests.
#pragma once
#include "sae/coder.h"
#include <ATen/ATen.h>

namespace latticelens::testing {

/// Fixed numbers: the same in every run.
inline Tensor normal(at::IntArrayRef shape, std::uint64_t seed) {
  at::Generator generator = at::detail::createCPUGenerator(seed);
  return at::randn(shape, generator);
}

inline Tensor unit_rows(const Tensor& matrix) {
  return matrix / matrix.norm(2, {1}, /*keepdim=*/true);
}

/// [rows, width] of very different norms, far from zero, as the residual stream's are.
inline Tensor random_inputs(std::int64_t rows, std::int64_t width, std::uint64_t seed = 7) {
  return (normal({rows, width}, seed) + 0.5) * normal({rows, 1}, seed + 1).exp() * 6;
}

/// A factor that is no power of two, near what random_inputs needs.
inline constexpr double some_factor = 0.0837461520938;

inline Coder random_coder(std::int64_t latents, std::int64_t width, CoderConfig config,
                          std::uint64_t seed = 1) {
  config.model = "tiny";
  config.site_block = 6;
  config.site = "block:6";
  if (config.scaling == InputScaling::mean_norm)
    config.input_factor = some_factor;
  // Inputs of unit norm give latents of that size.
  const float size = config.scaling == InputScaling::unit_norm ? 0.1f : 1.0f;
  if (config.selection == Selection::threshold)
    config.thresholds = (normal({latents}, seed + 5).abs() + 0.5f) * size;
  if (config.selection == Selection::batch_top_k)
    config.thresholds = at::full({1}, 0.7312f) * size;
  const Tensor decoder = unit_rows(normal({latents, width}, seed));
  return {config,
          {.encoder = decoder * 0.8 + normal({latents, width}, seed + 1) * 0.02,
           .encoder_bias = normal({latents}, seed + 2) * 0.1 * size,
           .decoder = decoder,
           .bias = normal({width}, seed + 3) * 0.3 * size}};
}

} // namespace latticelens::testing
