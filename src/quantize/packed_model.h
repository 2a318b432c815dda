// Quantized folders: in a layout of compressed-tensors where one holds what the method makes
// (quantize/published_layouts.h), else in a layout of our own that differs in how a weight is
// stored.
#pragma once
#include "quantize/activations.h"
#include "quantize/shards.h"
#include "tensor/safetensors.h"

namespace latticelens {

/// Tensors of one quantized linear: NAME.weight and the end of each part's name.
void add_packed(NamedTensors& tensors, const std::string& name, const PackedWeight& packed);

/// One linear's weight out of a folder or shard, NAME.weight its name. Errors: those of unpacking.
using LoadTensor = std::function<Tensor(const std::string& name)>; // undefined when there is none
UnpackedWeight load_packed(const LoadTensor& load, const std::string& name, const Method& method);
LoadTensor tensors_of(const SafetensorsFile& file);
LoadTensor tensors_of(const TensorSource& source);

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
  Method settings; // the method, or what another program's folder asks for
};

/// A Hugging Face folder, a quantized folder, a .gguf file or a finished run's folder, whose files
/// are read whole and compared with their checksums. What is loaded of it lies on `device`. Errors:
/// an unfinished or damaged run, a quantization this program does not know.
OpenedModel open_model(const std::filesystem::path& path, Device device = at::kCPU);

} // namespace latticelens
