// The folder layout of SAELens 6: cfg.json, sae_weights.safetensors.
// https://github.com/decoderesearch/SAELens, checked with the release 6.54.12 by
// tools/check_sae_peers.
#pragma once
#include "sae/coder_form.h"

namespace latticelens {

/// W_enc is transposed, the others lie as here. Inputs of unit norm become constant_norm_rescale
/// (norm sqrt(d), latents sqrt(d) times ours), a mean norm goes into the biases (latents are ours
/// divided by the factor). Top-k becomes `topk`, thresholds and batch top-k `jumprelu`: SAELens
/// runs no other. Error: batch top-k whose threshold is not known.
void write_saelens(const StoredCoder& stored, const std::filesystem::path& folder);

/// Reads `topk`, `jumprelu` and `standard` (ReLU: thresholds of 0) in any of F32, BF16, F16.
/// Decoder norms that scale the selection, and biases that are not taken off inputs, are folded in
/// fp64. A hook that is no residual stream stays as its own name, with a site_block of -1. Errors:
/// a layout before 6.0, other architectures, layer_norm, covariance_whitening, reshaped
/// activations, expected_average_only_in without activation_scaler.json beside.
StoredCoder read_saelens(const std::filesystem::path& folder);

} // namespace latticelens
