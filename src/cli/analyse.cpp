#include "analysis/analysis.h"
#include "analysis/sampling.h"
#include "cli/command_options.h"
#include "cli/commands.h"
#include "cli/text_options.h"
#include "core/error.h"
#include "core/files.h"
#include "core/progress.h"
#include "core/run_directory.h"
#include "report/page.h"
#include "tensor/token_rows.h"
#include <algorithm>
#include <cstdio>

namespace latticelens {
namespace {

struct Options {
  std::string model, format = "mxfp4", of = "inputs", gains = "folded", out;
  TextOptions text{.windows = 4};
  std::vector<std::int64_t> layers;
  std::vector<std::string> only;
  std::int64_t rows = 2048;
  double outlier_share = 0.001;
  std::uint64_t seed = 0;
  OutputOptions output;
};

std::string known_analyses() {
  std::string text = "Analyses to make, separated by commas (default: all):";
  for (const AnalysisRow& row : analyses())
    text += std::string(text.back() == ':' ? " " : ", ") + row.name;
  return text;
}

/// The analyses that are made, and their rows.
struct Work {
  std::vector<const AnalysisRow*> rows;
  std::vector<std::unique_ptr<Analysis>> analyses;
};

Work chosen_analyses(const Options& options, const AnalysisSetting& setting) {
  for (const std::string& name : options.only)
    require(std::any_of(analyses().begin(), analyses().end(),
                        [&](const AnalysisRow& row) { return name == row.name; }),
            "analyse", "no analysis \"" + name + "\"; latticelens analyse --help lists them");
  Work chosen;
  for (const AnalysisRow& row : analyses())
    if (options.only.empty() ||
        std::find(options.only.begin(), options.only.end(), row.name) != options.only.end()) {
      chosen.rows.push_back(&row);
      chosen.analyses.push_back(row.make(setting));
    }
  return chosen;
}

Json json_of(const Work& work) {
  Json all = Json::array();
  for (std::size_t i = 0; i < work.rows.size(); ++i) {
    const AnalysisRow& row = *work.rows[i];
    const Finding finding = work.analyses[i]->finding();
    all.push_back({{"name", row.name},
                   {"title", row.title},
                   {"source", row.source},
                   {"claim", row.claim},
                   {"verdict", to_text(finding.verdict)},
                   {"sentence", finding.sentence},
                   {"numbers", finding.numbers},
                   {"charts", finding.charts}});
  }
  return all;
}

void check(const Options& options) {
  require(!is_run(options.model), "analyse",
          options.model + " is a run; give the original model that it was made from");
  require(options.of == "weights" || !options.text.files.empty(), "analyse",
          "the model's inputs come from a text; give --text FILE, or --of weights");
}

/// Shows all samples to all analyses; what was seen, as JSON.
Json look(const Options& options, const SamplingRequest& request, const Work& work) {
  const bool weights = options.of == "weights";
  std::int64_t samples = 0;
  const std::int64_t blocks =
      weights ? static_cast<std::int64_t>(request.layers.size()) : request.layers.back() + 1;
  std::vector<Tensor> windows;
  if (!weights) {
    const TokenWindows cut = read_windows(options.text, *tokenizer_of(options.model));
    windows = token_rows(cut.ids, cut.length);
  }
  Progress progress("analyse", "blocks", blocks, options.output.quiet);
  const auto see = [&](const Sample& sample) {
    ++samples;
    show(sample, work.analyses);
  };
  const auto step = [&](std::int64_t) { progress.step(); };
  if (weights)
    for_each_weight(request, see, step);
  else
    for_each_input(request, windows, see, step);
  progress.finish();
  require(samples > 0, "analyse", "no token reached these layers; give a longer text");
  return {{"of", options.of},
          {"gains", options.gains},
          {"text", options.text.files},
          {"windows", windows.size()},
          {"window", weights ? 0 : options.text.window},
          {"rows", options.rows},
          {"layers", request.layers},
          {"samples", samples}};
}

void print_findings(const Json& analysis) {
  std::printf("%-20s %-20s %-14s %s\n", "analysis", "of the paper", "claim is", "because");
  for (const Json& row : analysis["analyses"])
    std::printf("%-20s %-20s %-14s %s\n", row["name"].get<std::string>().c_str(),
                row["source"].get<std::string>().c_str(), row["verdict"].get<std::string>().c_str(),
                row["sentence"].get<std::string>().c_str());
}

void write_folder(const std::filesystem::path& folder, const Json& analysis, bool quiet) {
  make_directory(folder);
  write_text(folder / "analysis.json", to_text(analysis) + "\n");
  write_text(folder / "report.html", report::analysis_page(report::read_analysis_data(folder)));
  if (!quiet)
    std::fprintf(stderr, "wrote %s\n", (folder / "report.html").string().c_str());
}

void run(const Options& options) {
  check(options);
  const Stopwatch watch;
  const Model model = open_plain_model(options.model);
  const AnalysisSetting setting{parse_format(options.format), options.outlier_share, options.seed};
  check_widths(model, setting.format);
  const SamplingRequest request{model, chosen_layers(model.config, options.layers), options.rows,
                                setting, options.gains == "folded"};
  const Work work = chosen_analyses(options, setting);
  Json analysis = {{"model", options.model},
                   {"format", setting.format.name},
                   {"outlier_share", setting.outlier_share},
                   {"seed", setting.seed}};
  analysis.update(look(options, request, work));
  analysis["analyses"] = json_of(work);
  analysis["seconds"] = watch.seconds();
  analysis["peak_memory"] = peak_memory();
  if (!options.out.empty())
    write_folder(options.out, analysis, options.output.quiet || options.output.json);
  print_result(options.output, analysis, print_findings);
}

void add_sampling_options(CLI::App& command, Options& options) {
  add_choice(command, "--of", options.of, "inputs|weights",
             "inputs: what the linears read, from the text; weights: the linears' rows")
      ->capture_default_str()
      ->check(CLI::IsMember({"inputs", "weights"}).description(""));
  add_choice(command, "--gains", options.gains, "folded|kept",
             "Of the norms: folded into the weights, as in rotated models, or kept in the inputs")
      ->capture_default_str()
      ->check(CLI::IsMember({"folded", "kept"}).description(""));
  command.add_option("--layers", options.layers, "Layers, separated by commas (default: all)")
      ->delimiter(',')
      ->allow_extra_args(false)
      ->type_name("NUMBERS");
  command
      .add_option("--rows", options.rows,
                  "Tokens of each input (or rows of each weight) to look at, at equal distances")
      ->capture_default_str()
      ->check(CLI::Range(1, 1 << 20));
}

void add_setting_options(CLI::App& command, Options& options) {
  add_choice(command, "--format", options.format, "FORMAT",
             "Number format, as in mxfp4, mxfp4:16/7.25")
      ->capture_default_str();
  command
      .add_option("--outliers", options.outlier_share,
                  "Share of an input's values, the largest, that are outliers")
      ->capture_default_str()
      ->check(CLI::Range(1e-9, 0.5));
  command.add_option("--seed", options.seed, "Of the rotations' random signs")
      ->capture_default_str();
}

} // namespace

void add_analyse(CLI::App& program) {
  auto options = std::make_shared<Options>();
  CLI::App* command = program.add_subcommand(
      "analyse",
      "What the block-rotation paper claims of tensors, checked on a model: pictures and verdicts");
  add_path(*command, "MODEL", options->model, original_model);
  add_text_options(*command, options->text, "--text,--calibration",
                   "Text that the model reads, for its linears' inputs");
  add_sampling_options(*command, *options);
  add_setting_options(*command, *options);
  command->add_option("--only", options->only, known_analyses())
      ->delimiter(',')
      ->allow_extra_args(false)
      ->type_name("ANALYSIS,...");
  command->add_option("--out", options->out, "Folder for analysis.json and report.html")
      ->type_name("DIR");
  add_output_options(*command, options->output, "Print analysis.json");
  command->footer("Example: latticelens analyse MODEL --text wiki.txt --out analysis/");
  command->callback([options] { run(*options); });
}

} // namespace latticelens
