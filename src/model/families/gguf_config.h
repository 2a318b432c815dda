// config.json out of GGUF metadata, for the families that GGUF describes alike.
#pragma once
#include "core/json.h"
#include "model/config.h"
#include "tensor/gguf.h"
#include "tensor/tensor.h"

namespace latticelens {

/// GGUF's names of the tensors of LLaMA's block.
std::vector<std::pair<std::string, std::string>> llama_gguf_names();

/// Sizes, norm, theta, tie and special tokens; `kind` becomes architectures and model_type. Errors:
/// a size that is missing or not positive, experts.
Json config_of_gguf(const GgufFile& file, const std::string& architecture,
                    const std::string& model_type);

/// The metadata of a model's shape, as config_of_gguf reads it. Errors: what the architecture's
/// runtime does not do (a sliding window, rotary embedding of a part of each head, long positions).
GgufMetadata gguf_of_config(const Config& config, const std::string& architecture);

/// The divisors of the rotary frequencies [head dimension / 2], as llama.cpp's rope_freqs.weight
/// has them; undefined when they are not scaled.
Tensor rope_divisors(const Config& config);

/// LLaMA's GGUF files interleave the two halves of each rotary pair in the rows of q and k.
Tensor interleave_rotary_rows(const std::string& name, const Tensor& tensor, const Config& config);
Tensor restore_rotary_rows(const std::string& name, const Tensor& stored, const Config& config);

} // namespace latticelens
