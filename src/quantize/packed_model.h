// Quantized folders in the compressed-tensors layout `mxfp4-pack-quantized` (quantization-peers.md
// §6.1, §6.3).
#pragma once
#include "quantize/activations.h"
#include "quantize/shards.h"

namespace latticelens {

/// Tensors of one quantized linear: NAME.weight_packed U8 [out, in/2], NAME.weight_scale U8 [out,
/// in/32].
void add_packed(NamedTensors& tensors, const std::string& name, const PackedWeight& packed);

/// config.json of the quantized model: the original's, with quantization_config, tie, dtype, and
/// how it was made.
Json packed_config(const Model& original, const Method& method, std::uint64_t seed);

/// The un-normalised matrix of the online rotation, as the layout stores it beside each linear that
/// it acts on.
void add_online_rotation(NamedTensors& tensors, const std::string& linear, const Method& method,
                         const Config& config);

struct OpenedModel {
  Model model;
  bool quantized = false;
  std::string method; // canonical string; empty when the folder does not say
  ActivationSpec activations;
};

/// A Hugging Face folder, a quantized folder, a .gguf file or a finished run's folder. Errors: an
/// unfinished run, a quantization this program does not know.
OpenedModel open_model(const std::filesystem::path& path);

} // namespace latticelens
