#include "cli/command_options.h"
#include "cli/commands.h"
#include "cli/finished_run.h"
#include "core/error.h"
#include "core/files.h"
#include "core/progress.h"
#include "quantize/inspection.h"
#include "quantize/revisit.h"
#include "tensor/safetensors.h"
#include <cmath>
#include <cstdio>

namespace latticelens {
namespace {

struct Options {
  std::string run, layer, save;
  std::vector<std::string> calibration, tried;
  bool compare = false;
  OutputOptions output;
};

/// A number of layers.jsonl that may be absent or null.
double number(const Json& row, const char* key) {
  return row.contains(key) && row[key].is_number() ? row[key].get<double>() : NAN;
}

/// What the run itself recorded, one line a linear.
void print_rows(const FinishedRun& run) {
  std::printf("%-40s %10s %9s %9s %9s %8s %8s\n", "linear", "error", "nearest's", "at most",
              "headroom", "AM/GM", "damping");
  for (const Json& row : run.rows()) {
    const Json proof = row.contains("certificate") ? row["certificate"] : Json::object();
    std::printf("%-40s %10.3g %8.2fx %8.2fx %6.1f dB %8.2f %8.3g\n", run.full_name(row).c_str(),
                number(row, "error") / number(row, "energy"),
                number(row, "error") / number(row, "nearest_error"),
                number(proof, "error") / number(proof, "lower_bound"),
                number(proof, "headroom_decibels"), number(proof, "profile_ratio"),
                number(row, "damping"));
  }
  std::printf(
      "\nerror: relative to the output's energy; nearest's: error over that of rounding to "
      "nearest; at most: damped error over a\nlower bound that no choice of codes can beat "
      "with these scales; headroom: above what any code of as many bits could leave on\n"
      "average (Gaussian weights); AM/GM: of the squared diagonal of L in min-pivot order, 1 "
      "is flat. Nothing to show is nan: the run\nhad no calibration, or its rounding no "
      "lattice. One layer from all sides: latticelens inspect RUN --layer NAME\n");
}

void print_orders(const Json& orders) {
  const double natural = orders[0]["sum_of_squares"].get<double>();
  std::printf("\n  %-12s %8s %20s %24s\n", "order", "AM/GM", "Babai within (ratio)",
              "sum L_ii², of natural's");
  for (const Json& order : orders)
    std::printf("  %-12s %8.2f %20.1f %24.3f\n", order["order"].get<std::string>().c_str(),
                order["profile_ratio"].get<double>(), order["babai_factor"].get<double>(),
                order["sum_of_squares"].get<double>() / natural);
}

void print_certificate(const Json& proof) {
  const double error = proof["error"].get<double>();
  const auto line = [&](const char* what, const char* key) {
    std::printf("  %-58s %10.3f\n", what, proof[key].get<double>() / error);
  };
  std::printf("\n  bounds on the damped error, as shares of the run's own\n");
  line("worst case of Babai's rule, nothing clipped", "worst");
  line("expected of Babai's rule, nothing clipped", "expected");
  line("any rounding, on average (sphere bound, nothing clipped)", "sphere");
  line("any code of as many bits, on average (rate bound)", "rate_bound");
  line("proven: any other choice pays this (a posteriori)", "a_posteriori");
  line("proven: one coordinate alone (dual vector)", "one_dual");
  line("proven: multipliers on every coordinate (diagonal dual)", "diagonal_dual");
  line("proven: the best of these, row by row", "lower_bound");
  std::printf("  so the run's error is at most %.2fx the optimum for its scales, and %.1f dB above "
              "the rate bound\n",
              error / proof["lower_bound"].get<double>(), proof["headroom_decibels"].get<double>());
  std::printf("  forecast to ask for values outside the grid: %.3f %% of the weights\n",
              100 * proof["overflow_forecast"].get<double>());
}

void print_alternatives(const Json& alternatives, double own_error) {
  if (alternatives.empty())
    return;
  const double first = alternatives[0]["error"].get<double>();
  std::printf("\n  %-40s %21s %7s %9s\n", "another rounding", "error, of the first's", "bits",
              "seconds");
  std::printf("  %-40s %21.3f\n", "the run's own", own_error / first);
  for (const Json& row : alternatives)
    std::printf("  %-40s %21.3f %7.2f %9.2f\n", row["method"].get<std::string>().c_str(),
                row["error"].get<double>() / first, row["bits"].get<double>(),
                row["seconds"].get<double>());
}

void print_inspection(const Json& seen) {
  std::printf(
      "%s  [%lld x %lld], %lld tokens, damping %g\n", seen["linear"].get<std::string>().c_str(),
      static_cast<long long>(seen["out"].get<std::int64_t>()),
      static_cast<long long>(seen["in"].get<std::int64_t>()),
      static_cast<long long>(seen["tokens"].get<std::int64_t>()), seen["damping"].get<double>());
  print_orders(seen["orders"]);
  if (seen.contains("certificate"))
    print_certificate(seen["certificate"]);
  print_alternatives(seen["alternatives"], seen["error"].get<double>());
  std::printf("\n");
}

/// Geometric means over all linears of the errors relative to the first alternative's.
Json summary_of(const std::vector<Json>& seen) {
  Json summary = Json::array();
  if (seen.empty() || seen.front()["alternatives"].empty())
    return summary;
  for (std::size_t i = 0; i < seen.front()["alternatives"].size(); ++i) {
    double logarithms = 0, seconds = 0, least = INFINITY, most = 0;
    for (const Json& linear : seen) {
      const Json& row = linear["alternatives"][i];
      const double ratio =
          row["error"].get<double>() / linear["alternatives"][0]["error"].get<double>();
      logarithms += std::log(ratio);
      seconds += row["seconds"].get<double>();
      least = std::min(least, ratio);
      most = std::max(most, ratio);
    }
    summary.push_back({{"method", seen.front()["alternatives"][i]["method"]},
                       {"mean", std::exp(logarithms / static_cast<double>(seen.size()))},
                       {"least", least},
                       {"most", most},
                       {"seconds", seconds}});
  }
  return summary;
}

void print_summary(const Json& summary, std::size_t linears) {
  std::printf("weighted error of %zu linears, relative to %s\n", linears,
              summary[0]["method"].get<std::string>().c_str());
  std::printf("  %-40s %8s %8s %8s %9s\n", "rounding", "mean", "least", "most", "seconds");
  for (const Json& row : summary)
    std::printf("  %-40s %8.3f %8.3f %8.3f %9.1f\n", row["method"].get<std::string>().c_str(),
                row["mean"].get<double>(), row["least"].get<double>(), row["most"].get<double>(),
                row["seconds"].get<double>());
}

void save(const Options& options, const VisitedStage& stage, const VisitedLinear& linear) {
  if (options.save.empty())
    return;
  write_safetensors(options.save, {{"h", stage.moments.gram},
                                   {"weight", linear.weight},
                                   {"values", linear.values},
                                   {"scales", linear.scales}});
}

std::vector<Json> look(const Options& options, const FinishedRun& run) {
  std::vector<Alternative> alternatives;
  for (const std::string& text : options.tried)
    alternatives.push_back(parse_alternative(text));
  if (alternatives.empty())
    alternatives = usual_alternatives();
  const QuantizeRequest request = run.request();
  std::vector<Json> seen;
  const auto is_wanted = [&](const std::string& name) {
    return options.layer.empty() || name == options.layer;
  };
  Progress progress("inspect", "blocks", blocks_to_visit(request.model, is_wanted),
                    options.output.quiet);
  revisit(
      request, run.packed_model(), is_wanted,
      [&](const VisitedStage& stage) {
        for (const VisitedLinear& linear : stage.linears)
          if (is_wanted(linear.name)) {
            const Json& row = run.row(linear.name);
            const double strength = row.contains("strength") ? row["strength"].get<double>() : 1;
            seen.push_back(inspect_linear(linear, stage.moments, request.method,
                                          member<double>(row, "damping", "layers.jsonl"), strength,
                                          alternatives));
            save(options, stage, linear);
          }
      },
      [&](std::int64_t) { progress.step(); });
  progress.finish();
  return seen;
}

void run(const Options& options) {
  require(options.save.empty() || !options.layer.empty(), "inspect",
          "--save writes one layer; give --layer NAME");
  const FinishedRun finished(options.run, options.calibration, options.output.quiet);
  if (options.layer.empty() && !options.compare) {
    return print_result(options.output, Json(finished.rows()),
                        [&](const Json&) { print_rows(finished); });
  }
  const std::vector<Json> seen = look(options, finished);
  const Json summary = summary_of(seen);
  print_result(options.output, {{"linears", seen}, {"summary", summary}}, [&](const Json&) {
    if (!options.layer.empty())
      print_inspection(seen.front());
    else
      print_summary(summary, seen.size());
  });
}

} // namespace

void add_inspect(CLI::App& program) {
  auto options = std::make_shared<Options>();
  CLI::App* command = program.add_subcommand(
      "inspect",
      "The lattice of each layer: profile, bounds, certificates, and what other roundings give");
  add_path(*command, "RUN", options->run, "Run folder that quantize finished");
  command
      ->add_option("--layer", options->layer,
                   "One linear from all sides, as in model.layers.3.mlp.down_proj")
      ->type_name("NAME");
  command->add_flag("--compare", options->compare,
                    "Try other roundings on every linear; a table of their errors");
  command
      ->add_option("--try", options->tried,
                   "\"ROUNDING [ORDER [SCALES]]\" to try, the first is what others are compared "
                   "with (default: a list from gptq to portfolio)")
      ->type_name("TEXT");
  command
      ->add_option("--calibration", options->calibration,
                   "The run's calibration text, if it is no longer where it was")
      ->type_name("FILE");
  command
      ->add_option("--save", options->save,
                   "Write h, weight, values, scales of the layer as safetensors: for `reduce` and "
                   "other programs")
      ->type_name("FILE");
  add_output_options(*command, options->output, "Print one JSON value");
  command->footer("Example: latticelens inspect run/ --layer model.layers.3.mlp.down_proj");
  command->callback([options] { run(*options); });
}

} // namespace latticelens
