#include "cli/command_options.h"
#include "cli/commands.h"
#include "cli/finished_run.h"
#include "core/error.h"
#include "core/json.h"
#include "core/progress.h"
#include "core/run_directory.h"
#include "lattice/certificates.h"
#include "lattice/factor.h"
#include "lattice/reduction.h"
#include "lattice/with_reduction.h"
#include "quantize/revisit.h"
#include "tensor/safetensors.h"
#include <ATen/ATen.h>
#include <cmath>
#include <cstdio>

namespace latticelens {
namespace {

struct Options {
  std::string source, layer, method = "lll", order = "min-pivot", out;
  double delta = 0.99, damping = 0.01;
  std::int64_t depth = 5, bits = 4;
  OutputOptions output;
};

/// What is reduced, and the weights that are rounded on it, if there are any.
struct Layer {
  std::string name;
  Tensor h, weight;
};

Layer layer_of_file(const Options& options) {
  const SafetensorsFile file(options.source);
  Layer layer{.name = options.source};
  if (file.has("h"))
    layer.h = file.load("h").to(at::kDouble);
  else if (file.has("x")) {
    const Tensor x = file.load("x").to(at::kDouble);
    require(x.dim() == 2, "reduce", options.source + ": x must be [tokens, inputs]");
    layer.h = at::matmul(x.t(), x);
  } else
    throw Error("reduce", options.source +
                              ": holds neither h [n, n] (moments) nor x [tokens, n] (inputs); "
                              "`latticelens inspect RUN --layer NAME --save FILE` writes h");
  require(layer.h.dim() == 2 && layer.h.size(0) == layer.h.size(1) && layer.h.size(0) > 0, "reduce",
          options.source + ": h must be square and not empty");
  require(at::allclose(layer.h, layer.h.t(), 1e-6), "reduce",
          options.source + ": h is not symmetric");
  if (file.has("weight"))
    layer.weight = file.load("weight");
  require(!layer.weight.defined() ||
              (layer.weight.dim() == 2 && layer.weight.size(1) == layer.h.size(0)),
          "reduce",
          options.source + ": weight must be [out, " + std::to_string(layer.h.size(0)) + "]");
  return layer;
}

Layer layer_of_run(const Options& options) {
  require(!options.layer.empty(), "reduce",
          options.source + ": is a run; give --layer NAME, as in model.layers.3.mlp.down_proj");
  const FinishedRun run(options.source, {}, options.output.quiet);
  const QuantizeRequest request = run.request();
  Layer layer{.name = options.layer};
  const auto is_wanted = [&](const std::string& name) { return name == options.layer; };
  Progress progress("revisit", "blocks", blocks_to_visit(request.model, is_wanted),
                    options.output.quiet);
  revisit(
      request, run.packed_model(), is_wanted,
      [&](const VisitedStage& stage) {
        for (const VisitedLinear& linear : stage.linears)
          if (linear.name == options.layer)
            layer.weight = linear.weight;
        layer.h = stage.moments.gram;
      },
      [&](std::int64_t) { progress.step(); });
  progress.finish();
  return layer;
}

Json profile_of(const Tensor& l) {
  Json logarithms = Json::array();
  for (std::int64_t i = 0; i < l.size(0); ++i)
    logarithms.push_back(std::log2(l[i][i].item<double>()));
  return {{"profile_ratio", profile_ratio(l)},
          {"babai_factor", babai_factor(l)},
          {"log2_diagonal", logarithms}};
}

/// What the basis is worth for the layer's own weights, one absmax step a row, when nothing is
/// clipped, and how much would have to be.
Json rounding_of(const Options& options, const Tensor& weight, const LatticeFactor& factor,
                 const Reduction& reduction) {
  const double largest = std::exp2(static_cast<double>(options.bits) - 1) - 1;
  const Tensor w = weight.to(at::kDouble);
  const Tensor steps = (w.abs().amax(1, true) / largest).clamp_min(1e-30);
  const Tensor u = in_order((w / steps).t().contiguous(), factor.order);
  const auto row = [&](const IntegerRounding& rounded) {
    const Tensor outside = rounded.integers.abs() > largest;
    const Tensor squares = steps.squeeze(1).square();
    const Tensor clipped = at::clamp(rounded.integers, -largest, largest);
    const Tensor after = at::matmul(factor.l, u - clipped).square().sum(0);
    return Json{{"error", (rounded.errors * squares).sum().item<double>()},
                {"outside", outside.sum().item<std::int64_t>()},
                {"clipped_error", (after * squares).sum().item<double>()}};
  };
  return {{"bits", options.bits},
          {"weights", w.numel()},
          {"plain", row(round_integers(factor.l, u))},
          {"reduced", row(round_with_reduction(factor.l, reduction, u))}};
}

void print_rounding(const Json& rounding) {
  const double plain = rounding["plain"]["error"].get<double>();
  const auto line = [&](const char* name, const Json& row) {
    std::printf("  %-28s %10.4f %12lld %14.4f\n", name, row["error"].get<double>() / plain,
                static_cast<long long>(row["outside"].get<std::int64_t>()),
                row["clipped_error"].get<double>() / plain);
  };
  std::printf("\nits weights, one absmax step a row of %lld bits (errors relative to the first)\n",
              static_cast<long long>(rounding["bits"].get<std::int64_t>()));
  std::printf("  %-28s %10s %12s %14s\n", "Babai's rule on", "unclipped", "outside", "if clipped");
  line("the basis as it is", rounding["plain"]);
  line("the reduced basis", rounding["reduced"]);
  std::printf("  outside: of %lld weights, those that do not fit into the box; nothing is clipped "
              "unless you see it here\n",
              static_cast<long long>(rounding["weights"].get<std::int64_t>()));
}

void print(const Json& result) {
  std::printf("%s: n %lld, order %s, damping %g\n", result["source"].get<std::string>().c_str(),
              static_cast<long long>(result["n"].get<std::int64_t>()),
              result["order"].get<std::string>().c_str(), result["damping"].get<double>());
  std::printf("%s, delta %g: %lld insertions in %.2f s, largest entry of T %.0f\n",
              result["method"].get<std::string>().c_str(), result["delta"].get<double>(),
              static_cast<long long>(result["insertions"].get<std::int64_t>()),
              result["seconds"].get<double>(), result["largest_entry"].get<double>());
  std::printf(
      "certificate: reduced (sizes and Lovász checked), |log |det T|| %.1e, L T = Q l to %.1e\n",
      result["determinant_error"].get<double>(), result["basis_error"].get<double>());
  std::printf("\n  %-10s %8s %24s\n", "basis", "AM/GM", "Babai within (ratio)");
  for (const char* name : {"before", "after"})
    std::printf("  %-10s %8.4f %24.1f\n", name, result[name]["profile_ratio"].get<double>(),
                result[name]["babai_factor"].get<double>());
  if (result.contains("rounding"))
    print_rounding(result["rounding"]);
}

void run(const Options& options) {
  require(options.method == "lll" || options.method == "deep", "reduce",
          "--method " + options.method + " is unknown; write lll or deep");
  const Layer layer = is_run(options.source) ? layer_of_run(options) : layer_of_file(options);
  const Tensor& h = layer.h;
  const LatticeFactor factor =
      factor_moments(h, {.damping = options.damping, .order = options.order}, layer.name);
  const Stopwatch watch;
  Progress progress("reduce", "insertions", 0, options.output.quiet);
  const ReductionOptions settings{options.delta, options.method == "deep" ? options.depth : 1,
                                  [&](std::int64_t insertions) { progress.step("", insertions); }};
  const Reduction reduction = reduce_basis(factor.l, settings, layer.name);
  progress.finish();
  const double seconds = watch.seconds();
  const auto fault =
      why_not_reduced(reduction.l, {settings.delta - 1e-6, settings.depth}, 0.5 + 1e-6);
  require(!fault, "reduce", layer.name + ": the result is not reduced: " + fault.value_or(""));
  const Tensor basis = at::matmul(factor.l, reduction.transform.to(at::kDouble));
  const Tensor gram = at::matmul(basis.t(), basis);
  Json result = {
      {"source", layer.name},
      {"n", h.size(0)},
      {"method", options.method},
      {"order", options.order},
      {"delta", options.delta},
      {"depth", settings.depth},
      {"damping", factor.damping},
      {"insertions", reduction.insertions},
      {"seconds", seconds},
      {"largest_entry", reduction.transform.abs().max().item<double>()},
      {"determinant_error",
       std::fabs(
           (reduction.l.diagonal().log().sum() - factor.l.diagonal().log().sum()).item<double>())},
      {"basis_error", (at::matmul(reduction.l.t(), reduction.l) - gram).abs().max().item<double>() /
                          gram.abs().max().item<double>()},
      {"before", profile_of(factor.l)},
      {"after", profile_of(reduction.l)}};
  if (layer.weight.defined())
    result["rounding"] = rounding_of(options, layer.weight, factor, reduction);
  if (!options.out.empty())
    write_safetensors(options.out, {{"transform", reduction.transform},
                                    {"l", reduction.l},
                                    {"order", at::tensor(factor.order, at::kLong)}});
  print_result(options.output, result, print);
}

} // namespace

void add_reduce(CLI::App& program) {
  auto options = std::make_shared<Options>();
  CLI::App* command = program.add_subcommand(
      "reduce", "LLL-type reduction of a layer's basis, with its certificate");
  add_path(*command, "SOURCE", options->source,
           "Run folder (with --layer), or safetensors with h [n, n] or x [tokens, n], and "
           "weight [out, n] if it is to be rounded; `inspect --layer NAME --save FILE` writes one");
  command
      ->add_option("--layer", options->layer,
                   "Linear of the run, as in model.layers.3.mlp.down_proj")
      ->type_name("NAME");
  add_choice(*command, "--method", options->method, "lll|deep", "deep: with deep insertions")
      ->capture_default_str();
  command->add_option("--depth", options->depth, "How far back deep inserts")
      ->capture_default_str()
      ->check(CLI::Range(std::int64_t{1}, deepest_insertion));
  command->add_option("--delta", options->delta, "Of Lovász's condition")
      ->capture_default_str()
      ->check(CLI::Range(0.26, 0.9999));
  add_choice(*command, "--order", options->order, "ORDER",
             "Order to start from: min-pivot is by far the fastest")
      ->capture_default_str();
  command->add_option("--damp", options->damping, "lambda as a share of the mean diagonal of H")
      ->capture_default_str()
      ->check(CLI::NonNegativeNumber);
  command->add_option("--bits", options->bits, "Of the box that the weights are counted against")
      ->capture_default_str()
      ->check(CLI::Range(2, 16));
  command->add_option("--out", options->out, "Write transform (T), l and order as safetensors")
      ->type_name("FILE");
  add_output_options(*command, options->output, "Print one JSON object");
  command->footer(
      "Example: latticelens reduce run/ --layer model.layers.3.mlp.down_proj --method deep");
  command->callback([options] { run(*options); });
}

} // namespace latticelens
