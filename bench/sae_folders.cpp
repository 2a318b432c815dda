// Coders for tools/check_sae_peers: writes random ones in every form with what they make of inputs,
// or encodes given inputs by the coder of a folder. No timing: what is measured is agreement.
#include "core/error.h"
#include "core/files.h"
#include "core/memory.h"
#include "sae/coder_form.h"
#include "sae/coder_names.h"
#include "sae/reference_encode.h"
#include "tensor/safetensors.h"
#include <ATen/ATen.h>
#include <cstdio>
#include <exception>

namespace latticelens {
namespace {

constexpr const char* usage =
    "usage: bench_sae_folders OUT                 write coders, inputs, latents, reconstructions\n"
    "       bench_sae_folders FOLDER INPUTS OUT   encode the tensor x of INPUTS by FOLDER's coder\n"
    "example: bench_sae_folders coders/\n";

// A width whose root is no power of two, so that units round.
constexpr std::int64_t width = 48, latents = 512, inputs = 64, active = 8;

Tensor normal(at::IntArrayRef shape, std::uint64_t seed) {
  at::Generator generator = at::detail::createCPUGenerator(seed);
  return at::randn(shape, generator);
}

Coder random_coder(Selection selection, InputScaling scaling) {
  CoderConfig config = {.selection = selection,
                        .k = active,
                        .scaling = scaling,
                        .model = "random",
                        .site = "block:12",
                        .site_block = 12};
  // Latents of inputs of unit norm are small, those of plain ones not.
  const float size = scaling == InputScaling::unit_norm ? 0.1f : 1.0f;
  if (scaling == InputScaling::mean_norm)
    config.input_factor = 0.837461520938;
  if (selection == Selection::threshold)
    config.thresholds = (normal({latents}, 5).abs() + 2) * size;
  if (selection == Selection::batch_top_k)
    config.thresholds = at::full({1}, 2.3124f) * size;
  Tensor decoder = normal({latents, width}, 1);
  decoder = decoder / decoder.norm(2, {1}, /*keepdim=*/true);
  return {config,
          {.encoder = decoder * 0.8 + normal({latents, width}, 2) * 0.02,
           .encoder_bias = normal({latents}, 3) * 0.1 * size,
           .decoder = decoder,
           .bias = normal({width}, 4) * 0.3 * size}};
}

void write_encoded(const std::filesystem::path& path, const Coder& coder, const Tensor& x) {
  const Codes codes = reference::encode(coder, x);
  write_safetensors(path, {{"x", x},
                           {"indices", codes.indices},
                           {"values", codes.values},
                           {"reconstruction", reference::decode(coder, codes)}});
}

void write_all(const std::filesystem::path& out) {
  const Tensor x = (normal({inputs, width}, 6) + 0.5) * (normal({inputs, 1}, 7) * 0.5).exp();
  for (const CoderForm& form : coder_forms())
    for (const Selection selection :
         {Selection::top_k, Selection::batch_top_k, Selection::threshold})
      for (const InputScaling scaling :
           {InputScaling::none, InputScaling::unit_norm, InputScaling::mean_norm}) {
        const auto name =
            out / form.name / (std::string(name_of(selection)) + "-" + name_of(scaling));
        const Coder coder = random_coder(selection, scaling);
        try {
          form.write({coder, {{"step", 1000}}}, name);
        } catch (const Error& refusal) {
          std::printf("%s\n", refusal.what());
          continue;
        }
        write_encoded(name.string() + ".safetensors", coder, x);
      }
}

void encode(const std::filesystem::path& folder, const std::filesystem::path& given,
            const std::filesystem::path& out) {
  write_encoded(out, read_coder(folder).coder, SafetensorsFile(given).load("x"));
}

} // namespace
} // namespace latticelens

int main(int count, char** arguments) {
  latticelens::keep_freed_memory();
  try {
    if (count == 2)
      latticelens::write_all(arguments[1]);
    else if (count == 4)
      latticelens::encode(arguments[1], arguments[2], arguments[3]);
    else
      return std::fprintf(stderr, "%s", latticelens::usage), 2;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 2;
  }
  return 0;
}
