// What rotating activations online costs a W4A4 forward pass: R4 at down_proj, in blocks of 32 and
// whole, and a dense 32 x 32 matrix for every block of every linear's input. Medians of alternating
// repeats.
#include "bench/entry.h"
#include "bench/timings.h"
#include "model/attention.h"
#include "quantize/activations.h"
#include "quantize/packed_model.h"
#include "transforms/block_matrix.h"
#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <cstdio>
#include <fstream>

namespace latticelens {
namespace {

constexpr int repeats = 11;
constexpr const char* without = "no rotation";

/// The model with one choice of online transforms: every weight in the new basis, rounded to MXFP4
/// and packed.
struct Variant {
  std::string name;
  /// The transform of one stage's input of this width; null: none.
  std::function<std::shared_ptr<const Transform>(const std::string& stage, std::int64_t width)>
      transform_of;
  std::vector<Block> blocks = {};
};

bool reads_down_input(const Model& model, const std::string& stage) {
  for (const OnlineInput& input : model.layout->rotation.down)
    if (input.stage == stage)
      return true;
  return false;
}

std::vector<Variant> variants(const Model& model) {
  const auto hadamard_of = [&model](std::int64_t size) {
    return [&model, size](const std::string& stage,
                          std::int64_t width) -> std::shared_ptr<const Transform> {
      return reads_down_input(model, stage)
                 ? make_transform({"hadamard", size, Site::down_input},
                                  {.width = width, .random_signs = false})
                 : nullptr;
    };
  };
  const auto dense = [](const std::string&, std::int64_t width) {
    const Tensor square = at::randn({width / 32, 32, 32}, at::kDouble);
    return std::make_shared<const BlockMatrix>(std::get<0>(at::linalg_qr(square)), "bench");
  };
  return {{without, [](const std::string&, std::int64_t) { return nullptr; }},
          {"R4, Hadamard of 32 at down_proj", hadamard_of(32)},
          {"R4, Hadamard of the whole row at down_proj", hadamard_of(0)},
          {"dense 32 x 32 at every linear's input", dense}};
}

void add_block(Variant& variant, Block block, const Model& model) {
  const Format format = parse_format("mxfp4");
  ActivationSpec spec{.format = format};
  SnapCounts counts;
  for (const Stage& stage : model.layout->stages) {
    const auto transform =
        variant.transform_of(stage.name, block.linears.at(stage.linears.front()).weight.size(1));
    if (transform)
      spec.inputs[stage.name] = transform;
    for (const std::string& name : stage.linears) {
      Tensor& weight = block.linears.at(name).weight;
      weight = format.quantize(transform ? transform->apply_to_weight(weight) : weight, counts);
    }
  }
  install_activations(block, *model.layout, spec);
  install_packed_products(block, *model.layout, spec);
  for (const Stage& stage : model.layout->stages)
    for (const std::string& name : stage.linears)
      block.linears.at(name).weight = Tensor(); // only the packed one is read
  variant.blocks.push_back(std::move(block));
}

void prefill(const Model& model, const Variant& variant, const Rope& rope, Tensor x) {
  for (const Block& block : variant.blocks)
    x = run_block(model, block, rope, x);
}

/// Raw inputs of each stage, of these many tokens.
std::vector<Tensor> raw_inputs(const Model& model, std::int64_t tokens) {
  std::vector<Tensor> inputs;
  for (const Stage& stage : model.layout->stages)
    for (const LinearShape& linear : model.layout->linears)
      if (linear.name == stage.linears.front())
        inputs.push_back(at::randn({1, tokens, linear.in}));
  return inputs;
}

/// All blocks' inputs, transformed and encoded, and with `multiply` the linears that read them.
void run_inputs(const Model& model, const Variant& variant, const std::vector<Tensor>& raw,
                bool multiply) {
  for (const Block& block : variant.blocks)
    for (std::size_t s = 0; s < raw.size(); ++s) {
      const Stage& stage = model.layout->stages[s];
      const Tensor x = prepared(block, stage.name, raw[s]);
      if (multiply)
        for (const std::string& name : stage.linears)
          block.linears.at(name)(x);
    }
}

/// Rows of one table: what `whole(variant)` takes, and of it the inputs.
template<class Whole>
void rows(const char* what, const Model& model, const std::vector<Variant>& all,
          const std::vector<Tensor>& raw, const Whole& whole) {
  Timings timings;
  for (int i = 0; i <= repeats; ++i) {
    Timings warm; // the first round
    Timings& round = i == 0 ? warm : timings;
    for (const Variant& variant : all) {
      round.measure(variant.name, [&] { whole(variant); });
      round.measure(variant.name + " inputs", [&] { run_inputs(model, variant, raw, false); });
    }
  }
  const double base = timings.median(without),
               base_inputs = timings.median(std::string(without) + " inputs");
  for (const Variant& variant : all) {
    const double inputs = timings.median(variant.name + " inputs");
    std::printf("| %s | %s | %.4f | %+.1f %% | %.4f | %+.1f %% |\n", what, variant.name.c_str(),
                timings.median(variant.name),
                100 * (timings.median_ratio(variant.name, without) - 1), inputs,
                100 * (inputs - base_inputs) / base);
    std::fflush(stdout);
  }
}

void run(const char* path) {
  at::manual_seed(1);
  const Model model = open_model(path).model;
  std::vector<Variant> all = variants(model);
  for (std::int64_t layer = 0; layer < model.config.layers; ++layer) {
    const Block block = load_block(model, layer);
    for (Variant& variant : all)
      add_block(variant, block, model);
  }
  std::string load;
  std::getline(std::ifstream("/proc/loadavg"), load, ' ');
  std::printf("%lld blocks, %d threads, load %s; medians of %d alternating repeats\n\n"
              "| what | online transform | seconds | more | inputs, seconds | more, of the whole "
              "|\n|---|---|---|---|---|---|\n",
              static_cast<long long>(model.config.layers), at::get_num_threads(), load.c_str(),
              repeats);
  for (const std::int64_t tokens : {512, 2048}) {
    const Rope rope = make_rope(model.config, tokens);
    const Tensor ids = at::arange(tokens, at::kLong) * 31 % model.config.vocabulary,
                 x = embed(load_embedding(model), ids, model.config);
    rows(("prefill, " + std::to_string(tokens) + " tokens").c_str(), model, all,
         raw_inputs(model, tokens),
         [&](const Variant& variant) { prefill(model, variant, rope, x); });
  }
  // There is no decoding with a cache here: what attention, norms and head take is left out.
  const std::vector<Tensor> raw = raw_inputs(model, 1);
  rows("linears and their inputs, 1 token", model, all, raw,
       [&](const Variant& variant) { run_inputs(model, variant, raw, true); });
}

} // namespace
} // namespace latticelens

int main(int count, char** arguments) {
  return latticelens::run_benchmark(
      count, 1, "usage: bench_online_rotation MODEL\nexample: bench_online_rotation smollm2.gguf\n",
      [&] { latticelens::run(arguments[1]); });
}
