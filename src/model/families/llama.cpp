#include "model/families/llama.h"

#include "core/error.h"
#include "model/families/gguf_config.h"
#include "model/families/parts.h"
#include <ATen/ATen.h>

namespace latticelens {
namespace {

/// GGUF stores the divisors of the rotary frequencies; find the published scaling that gives them.
Json rope_scaling_of(const GgufFile& file, double theta, std::int64_t head_dimension) {
  const Tensor divisors = file.load("rope_freqs.weight").flatten();
  for (const double factor : {8.0, 16.0, 32.0}) {
    Config scaled{
        .head_dimension = head_dimension, .rope_theta = theta, .rope_scaling = {.factor = factor}};
    Config plain{.head_dimension = head_dimension, .rope_theta = theta};
    const Tensor expected = at::tensor(rope_frequencies(plain), at::kDouble) /
                            at::tensor(rope_frequencies(scaled), at::kDouble);
    if (divisors.sizes() == expected.sizes() &&
        at::allclose(divisors.to(at::kDouble), expected, 1e-3, 0))
      return Json{{"rope_type", "llama3"},
                  {"factor", factor},
                  {"low_freq_factor", 1.0},
                  {"high_freq_factor", 4.0},
                  {"original_max_position_embeddings", 8192}};
  }
  throw Error("gguf", file.path().string() + ": rope_freqs.weight matches no known llama3 scaling; "
                                             "use the Hugging Face folder of this model");
}

Json config_from_gguf(const GgufFile& file) {
  Json config = config_of_gguf(file, "llama", "llama");
  config["architectures"] = {"LlamaForCausalLM"};
  config["attention_bias"] = file.tensors().contains("blk.0.attn_q.bias");
  config["mlp_bias"] = file.tensors().contains("blk.0.ffn_up.bias");
  if (file.tensors().contains("rope_freqs.weight"))
    config["rope_scaling"] = rope_scaling_of(file, config["rope_theta"].get<double>(),
                                             config["head_dim"].get<std::int64_t>());
  return config;
}

} // namespace

Family llama_family() {
  return {.name = "llama",
          .help = "LLaMA 2, 3, 3.1, 3.2, SmolLM2, LLM-jp-3",
          .model_types = {"llama"},
          .read_config = read_llama_config,
          .layout = llama_layout,
          .gguf = {.architecture = "llama",
                   .config = config_from_gguf,
                   .names = llama_gguf_names(),
                   .arrange = interleave_rotary_rows,
                   .restore = restore_rotary_rows},
          .names = {}};
}

} // namespace latticelens
