// What transforms of activations cost a W4A4 model, in prefill and while it generates: R4 at
// down_proj, in blocks of 32 and whole, a dense 32 x 32 matrix for every block of every linear's
// input, centres of inputs. Medians of alternating repeats.
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

/// What happens online, of these kinds at most one each.
struct Online {
  std::shared_ptr<const Transform> down_input = nullptr; // R4
  /// What a stage's input of this width has of its own; absent: nothing.
  std::function<InputBasis(std::int64_t width)> basis = {};
};

/// The model with one choice of online transforms: every weight in the new basis, rounded to MXFP4
/// and packed.
struct Variant {
  Variant(std::string name, const Model& original, const Online& online);

  std::string name;
  Model model;
  Decoding decoding;
};

/// Brings a block into the transforms' bases and packs its weights.
void rotate_and_pack(Block& block, const Layout& layout, const Online& online) {
  const Format format = parse_format("mxfp4");
  ActivationSpec spec{.down_input = online.down_input, .format = format};
  SnapCounts counts;
  for (const Stage& stage : layout.stages) {
    InputBasis& basis = spec.inputs[stage.name];
    if (online.basis)
      basis = online.basis(block.linears.at(stage.linears.front()).weight.size(1));
    const auto transform = transform_of_input(stage, layout, spec, basis);
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

Model with_transforms(Model model, const Online& online) {
  model.prepare = [layout = model.layout, online](Block& block) {
    rotate_and_pack(block, *layout, online);
  };
  return model;
}

Variant::Variant(std::string of, const Model& original, const Online& online)
    : name(std::move(of)), model(with_transforms(original, online)), decoding(model, longest) {}

std::shared_ptr<const BlockMatrix> random_matrices(std::int64_t width) {
  const Tensor square = at::randn({width / 32, 32, 32}, at::kDouble);
  return std::make_shared<const BlockMatrix>(std::get<0>(at::linalg_qr(square)), "bench");
}

std::vector<std::unique_ptr<Variant>> variants(const Model& model) {
  const auto hadamard_of = [&](std::int64_t size) -> std::shared_ptr<const Transform> {
    return make_transform({"hadamard", size, Site::down_input},
                          {.width = model.config.intermediate, .random_signs = false});
  };
  const auto centre = [](std::int64_t width) { return InputBasis{.centre = at::randn({width})}; };
  const auto dense = [](std::int64_t width) {
    return InputBasis{.transform = random_matrices(width)};
  };
  const auto dense_and_centre = [](std::int64_t width) {
    return InputBasis{random_matrices(width), at::randn({width})};
  };
  std::vector<std::unique_ptr<Variant>> all;
  const auto add = [&](const char* name, const Online& online) {
    all.push_back(std::make_unique<Variant>(name, model, online));
  };
  add(without, {});
  add("R4, Hadamard of 32 at down_proj", {.down_input = hadamard_of(32)});
  add("the same, and centres at every linear's input", {hadamard_of(32), centre});
  add("R4, Hadamard of the whole row at down_proj", {.down_input = hadamard_of(0)});
  add("dense 32 x 32 at every linear's input", {.basis = dense});
  add("the same, and centres", {.basis = dense_and_centre});
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
