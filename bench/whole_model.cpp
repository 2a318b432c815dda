// Quantization time of a whole model, block by block in one run: latticelens against published GPTQ
// code's way on torch tensors (bench/plain_gptq.h), which runs each block twice, collects the
// moments of every linear by itself, and rounds with the per-column loop. Both round the same
// weights with the same moments, so that errors compare; the plain side's own moments are taken for
// their time.
#include "bench/entry.h"
#include "bench/plain_gptq.h"
#include "core/error.h"
#include "core/progress.h"
#include "core/time_table.h"
#include "model/attention.h"
#include "quantize/calibration.h"
#include "rounding/gptq.h"
#include "tensor/token_rows.h"
#include "text/corpus.h"
#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <cstdio>

namespace latticelens {
namespace {

using Hook = std::function<void(const std::string& linear, const Tensor& input)>;

/// One block of a LLaMA-type model on LibTorch's own operations.
Tensor plain_block(const Model& model, const Block& block, const Rope& rope, const Tensor& x,
                   const Hook& hook) {
  const double epsilon = model.config.norm_epsilon;
  const auto run = [&](const std::string& name, const Tensor& input) {
    if (hook)
      hook(name, input);
    const Linear& linear = block.linears.at(name);
    return at::linear(input, linear.weight, linear.bias);
  };
  const Tensor a = block.norms.at("input_layernorm")(x, epsilon);
  const Tensor mixed = reference::attend(run("self_attn.q_proj", a), run("self_attn.k_proj", a),
                                         run("self_attn.v_proj", a), rope, model.config);
  const Tensor middle = x + run("self_attn.o_proj", mixed);
  const Tensor m = block.norms.at("post_attention_layernorm")(middle, epsilon);
  return middle +
         run("mlp.down_proj", at::silu(run("mlp.gate_proj", m)).mul_(run("mlp.up_proj", m)));
}

/// Seconds of both sides by activity, and the errors of both.
struct Totals {
  TimeTable plain, ours;
  double plain_error = 0, our_error = 0;
};

const char *const moments_row = "moments", *const forward_row = "forwards";
const std::string rounding_prefix = "rounding ";

class Comparison {
 public:
  Comparison(const Model& model, const std::vector<Tensor>& windows)
      : model_(model), rope_(make_rope(model.config, windows.front().numel())),
        walk_{{model, load_embedding(model), windows, Storage::fp32}, {}} {
    const Tensor table = load_embedding(model);
    for (const Tensor& ids : windows)
      plain_states_.push_back(embed(table, ids, model.config));
  }

  void block(std::int64_t layer) {
    walk_.block = load_block(model_, layer);
    Block& ours = walk_.block;
    Block plain = ours;
    collect_plain(plain);
    for (std::size_t s = 0; s < model_.layout->stages.size(); ++s) {
      const Stage& stage = model_.layout->stages[s];
      const Moments moments =
          totals.ours.measure(moments_row, [&] { return collect_moments(walk_, s).moments; });
      for (const std::string& name : stage.linears)
        round_plain(name, plain, moments);
      round_ours(stage, ours, moments);
      totals.ours.measure(forward_row, [&] { walk_.stream.advance(ours, s); });
    }
    totals.plain.measure(forward_row, [&] {
      for (Tensor& x : plain_states_)
        x = plain_block(model_, plain, rope_, x, {});
    });
  }

  Totals totals;

 private:
  void collect_plain(const Block& block) {
    const Stopwatch watch;
    double moments_seconds = 0;
    std::map<std::string, Tensor> grams;
    const Hook hook = [&](const std::string& name, const Tensor& input) {
      const Stopwatch moments_watch;
      const Tensor rows = input.reshape({-1, input.size(-1)});
      Tensor& gram = grams[name];
      if (!gram.defined())
        gram = at::zeros({rows.size(1), rows.size(1)});
      gram.addmm_(rows.t(), rows);
      moments_seconds += moments_watch.seconds();
    };
    for (const Tensor& x : plain_states_)
      plain_block(model_, block, rope_, x, hook);
    totals.plain.add(moments_row, moments_seconds);
    totals.plain.add(forward_row, watch.seconds() - moments_seconds);
  }

  void round_plain(const std::string& name, Block& block, const Moments& moments) {
    Tensor& weight = block.linears.at(name).weight;
    const Tensor values = totals.plain.measure((rounding_prefix + name).c_str(), [&] {
      return plain_gptq(weight, moments.gram, format_);
    });
    totals.plain_error += output_error(weight, values, moments);
    weight = values;
  }

  /// The linears of a stage as one matrix; its seconds are shared out by rows.
  void round_ours(const Stage& stage, Block& block, const Moments& moments) {
    std::vector<Tensor> weights;
    for (const std::string& name : stage.linears)
      weights.push_back(block.linears.at(name).weight);
    RoundingProblem problem{at::cat(weights), moments, format_};
    problem.scales = {ScaleTime::stale};
    const Stopwatch watch;
    const Tensor values = round_gptq(problem, {{"damp", 0.01}}).values;
    const double seconds = watch.seconds();
    totals.our_error += output_error(problem.weight, values, moments);
    std::int64_t first = 0;
    for (const std::string& name : stage.linears) {
      Tensor& weight = block.linears.at(name).weight;
      const std::int64_t rows = weight.size(0);
      totals.ours.add(rounding_prefix + name,
                      seconds * static_cast<double>(rows) / static_cast<double>(values.size(0)));
      weight = values.slice(0, first, first + rows).contiguous();
      first += rows;
    }
  }

  const Model& model_;
  const Rope rope_;
  const Format format_ = parse_format("mxfp4/away");
  Walk walk_;
  std::vector<Tensor> plain_states_;
};

void print_row(const std::string& name, double plain, double ours) {
  std::printf("| %s | %.2f | %.2f | %.1fx |\n", name.c_str(), plain, ours, plain / ours);
}

void print_table(const Model& model, const Totals& totals) {
  std::printf("| seconds | plain loop on tensors | latticelens | faster |\n|---|---|---|---|\n");
  double plain_rounding = 0, our_rounding = 0;
  for (const LinearShape& shape : model.layout->linears) {
    const std::string row = rounding_prefix + shape.name;
    const double plain = totals.plain.seconds(row), ours = totals.ours.seconds(row);
    plain_rounding += plain;
    our_rounding += ours;
    print_row(row + ", all layers", plain, ours);
  }
  print_row("rounding, whole model", plain_rounding, our_rounding);
  double plain = plain_rounding, ours = our_rounding;
  for (const char* row : {moments_row, forward_row}) {
    print_row(row, totals.plain.seconds(row), totals.ours.seconds(row));
    plain += totals.plain.seconds(row);
    ours += totals.ours.seconds(row);
  }
  print_row("whole model", plain, ours);
  std::printf("\nerror of the outputs, ours / plain: %.4f\n",
              totals.our_error / totals.plain_error);
}

void run(const char* model_path, const char* text, std::int64_t count) {
  const Model model = open_plain_model(model_path);
  require(std::string_view(model.family->name) == "llama", "bench",
          "the plain forward is that of LLaMA-type models; give one of them");
  const TokenWindows windows =
      cut_windows(*open_tokenizer(model_path), read_corpus({text}), 2048, count);
  std::printf("%lld layers, %lld windows of 2048 tokens, %d threads\n\n",
              static_cast<long long>(model.config.layers), static_cast<long long>(windows.count),
              at::get_num_threads());
  Comparison comparison(model, token_rows(windows.ids, windows.length));
  Progress progress("compare", "blocks", model.config.layers, /*quiet=*/false);
  for (std::int64_t layer = 0; layer < model.config.layers; ++layer) {
    comparison.block(layer);
    progress.step();
  }
  progress.finish();
  print_table(model, comparison.totals);
}

} // namespace
} // namespace latticelens

int main(int count, char** arguments) {
  return latticelens::run_benchmark(
      count, 3,
      "usage: bench_whole_model MODEL TEXT WINDOWS\n"
      "example: bench_whole_model \"$(scripts/fetch-smollm2)\" text.txt 4\n",
      [&] { latticelens::run(arguments[1], arguments[2], std::atoll(arguments[3])); });
}
