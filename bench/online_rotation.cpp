// What rotating activations online costs a W4A4 model, in prefill and while it generates: R4 at
// down_proj, in blocks of 32 and whole, and a dense 32 x 32 matrix for every block of every
// linear's input. Medians of alternating repeats.
#include "bench/entry.h"
#include "bench/timings.h"
#include "model/decoding.h"
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
constexpr std::int64_t context = 512, generated = 32, longest = 2048; // tokens
constexpr const char* without = "no rotation";

/// The transform of one stage's input of this width; null: none.
using ChooseTransform =
    std::function<std::shared_ptr<const Transform>(const std::string& stage, std::int64_t width)>;

/// The model with one choice of online transforms: every weight in the new basis, rounded to MXFP4
/// and packed.
struct Variant {
  Variant(std::string name, const Model& original, const ChooseTransform& transform_of);

  std::string name;
  Model model;
  Decoding decoding;
};

bool reads_down_input(const Model& model, const std::string& stage) {
  for (const OnlineInput& input : model.layout->rotation.down)
    if (input.stage == stage)
      return true;
  return false;
}

/// Brings a block into the transforms' bases and packs its weights.
void rotate_and_pack(Block& block, const Layout& layout, const ChooseTransform& transform_of) {
  const Format format = parse_format("mxfp4");
  ActivationSpec spec{.format = format};
  SnapCounts counts;
  for (const Stage& stage : layout.stages) {
    const auto transform =
        transform_of(stage.name, block.linears.at(stage.linears.front()).weight.size(1));
    if (transform)
      spec.inputs[stage.name] = transform;
    for (const std::string& name : stage.linears) {
      Tensor& weight = block.linears.at(name).weight;
      weight = format.quantize(transform ? transform->apply_to_weight(weight) : weight, counts);
    }
  }
  install_activations(block, layout, spec);
  install_packed_products(block, layout, spec);
  for (const Stage& stage : layout.stages)
    for (const std::string& name : stage.linears)
      block.linears.at(name).weight = Tensor(); // only the packed one is read
}

Model with_transforms(Model model, const ChooseTransform& transform_of) {
  model.prepare = [layout = model.layout, transform_of](Block& block) {
    rotate_and_pack(block, *layout, transform_of);
  };
  return model;
}

Variant::Variant(std::string of, const Model& original, const ChooseTransform& transform_of)
    : name(std::move(of)), model(with_transforms(original, transform_of)),
      decoding(model, longest) {}

std::vector<std::unique_ptr<Variant>> variants(const Model& model) {
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
  std::vector<std::unique_ptr<Variant>> all;
  const auto add = [&](const char* name, const ChooseTransform& transform_of) {
    all.push_back(std::make_unique<Variant>(name, model, transform_of));
  };
  add(without, [](const std::string&, std::int64_t) { return nullptr; });
  add("R4, Hadamard of 32 at down_proj", hadamard_of(32));
  add("R4, Hadamard of the whole row at down_proj", hadamard_of(0));
  add("dense 32 x 32 at every linear's input", dense);
  return all;
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

/// All blocks' inputs, transformed and encoded.
void run_inputs(const Variant& variant, const std::vector<Tensor>& raw) {
  for (const Block& block : variant.decoding.blocks())
    for (std::size_t s = 0; s < raw.size(); ++s)
      prepared(block, variant.model.layout->stages[s].name, raw[s]);
}

/// What is timed of a variant: `work` after `before`, which is not timed; it gives each stage
/// `passes` inputs of `tokens` tokens.
struct Workload {
  std::string name;
  std::int64_t tokens, passes;
  std::function<void(Decoding&)> before, work;
};

Tensor text_of(const Model& model, std::int64_t tokens) {
  return at::arange(tokens, at::kLong) * 31 % model.config.vocabulary;
}

Workload prefill(const Model& model, std::int64_t tokens) {
  return {"prefill, " + std::to_string(tokens) + " tokens", tokens, 1,
          [](Decoding& decoding) { decoding.restart(); },
          [ids = text_of(model, tokens)](Decoding& decoding) { decoding.read(ids); }};
}

Workload generation(const Model& model) {
  return {std::to_string(generated) + " tokens, one by one, after " + std::to_string(context), 1,
          generated,
          [ids = text_of(model, context)](Decoding& decoding) {
            decoding.restart();
            decoding.read(ids);
          },
          [](Decoding& decoding) {
            Tensor next = at::zeros({1}, at::kLong);
            for (std::int64_t i = 0; i < generated; ++i)
              next = decoding.read(next).argmax().view({1});
          }};
}

void measure(Timings& timings, Variant& variant, const Workload& workload,
             const std::vector<Tensor>& raw) {
  workload.before(variant.decoding);
  timings.measure(variant.name, [&] { workload.work(variant.decoding); });
  timings.measure(variant.name + " inputs", [&] {
    for (std::int64_t i = 0; i < workload.passes; ++i)
      run_inputs(variant, raw);
  });
}

void print_rows(const Workload& workload, const Model& model,
                const std::vector<std::unique_ptr<Variant>>& all) {
  const std::vector<Tensor> raw = raw_inputs(model, workload.tokens);
  Timings timings;
  for (int i = 0; i <= repeats; ++i) {
    Timings warm; // the first round
    for (const auto& variant : all)
      measure(i == 0 ? warm : timings, *variant, workload, raw);
  }
  const double base = timings.median(without),
               base_inputs = timings.median(std::string(without) + " inputs");
  for (const auto& variant : all) {
    const double inputs = timings.median(variant->name + " inputs");
    std::printf("| %s | %s | %.4f | %+.1f %% | %.4f | %+.1f %% |\n", workload.name.c_str(),
                variant->name.c_str(), timings.median(variant->name),
                100 * (timings.median_ratio(variant->name, without) - 1), inputs,
                100 * (inputs - base_inputs) / base);
    std::fflush(stdout);
  }
}

void run(const char* path) {
  at::manual_seed(1);
  const Model model = open_model(path).model;
  const auto all = variants(model);
  std::string load;
  std::getline(std::ifstream("/proc/loadavg"), load, ' ');
  std::printf("%lld blocks, %d threads, load %s; medians of %d alternating repeats\n\n"
              "| what | online transform | seconds | more | inputs, seconds | more, of the whole "
              "|\n|---|---|---|---|---|---|\n",
              static_cast<long long>(model.config.layers), at::get_num_threads(), load.c_str(),
              repeats);
  for (const Workload& workload : {prefill(model, 512), prefill(model, longest), generation(model)})
    print_rows(workload, model, all);
}

} // namespace
} // namespace latticelens

int main(int count, char** arguments) {
  return latticelens::run_benchmark(
      count, 1, "usage: bench_online_rotation MODEL\nexample: bench_online_rotation smollm2.gguf\n",
      [&] { latticelens::run(arguments[1]); });
}
