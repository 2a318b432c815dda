#include "model/families/mistral.h"

#include "model/families/gguf_config.h"
#include "model/families/parts.h"

namespace latticelens {
namespace {

Config read_config(const Json& json, const std::string& where) {
  Config config = read_llama_config(json, where);
  config.family = "mistral";
  read_window(json, where, /*fallback=*/4096, config);
  return config;
}

} // namespace

Family mistral_family() {
  return {.name = "mistral",
          .help = "Mistral 7B, Nemo, Ministral (their GGUF files say llama)",
          .model_types = {"mistral"},
          .read_config = read_config,
          .layout = llama_layout,
          .gguf = {.architecture = "llama",
                   .names = llama_gguf_names(),
                   .arrange = interleave_rotary_rows,
                   .restore = restore_rotary_rows},
          .names = {}};
}

} // namespace latticelens
