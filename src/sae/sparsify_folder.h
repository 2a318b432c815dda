// The folder layout of sparsify: cfg.json, sae.safetensors.
// https://github.com/EleutherAI/sparsify, checked with the release 1.3.3 by tools/check_sae_peers.
#pragma once
#include "sae/coder_form.h"

namespace latticelens {

/// Weights as they lie here. The layout knows no scaling of inputs: a mean norm goes into the
/// biases (latents are ours divided by the factor); inputs of unit norm have to be scaled by hand,
/// and the metadata says so. sparsify itself skips the metadata. Error: not top-k.
void write_sparsify(const StoredCoder& stored, const std::filesystem::path& folder);

/// Reads F32, BF16 and F16. A folder that is named as a hookpoint, "layers.11", has the site
/// "block:12". Errors: groupmax, transcoders, skip connections, signed latents.
StoredCoder read_sparsify(const std::filesystem::path& folder);

} // namespace latticelens
