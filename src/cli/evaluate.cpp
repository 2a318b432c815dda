#include "cli/commands.h"
#include "cli/text_options.h"
#include "core/files.h"
#include "core/progress.h"
#include "core/run_directory.h"
#include "evaluate/language_model.h"
#include "quantize/packed_model.h"
#include <cmath>
#include <cstdio>

namespace latticelens {
namespace {

struct Options {
  std::string model, against;
  TextOptions text;
  bool json = false, quiet = false;
};

Json to_json(const Options& options, const Evaluation& evaluation, const OpenedModel& opened) {
  Json json = {{"model", options.model},           {"text", options.text.files},
               {"window", options.text.window},    {"perplexity", evaluation.perplexity},
               {"mean_nll", evaluation.mean_loss}, {"windows", evaluation.window_loss}};
  if (!opened.method.empty())
    json["method"] = opened.method;
  if (evaluation.divergence) {
    json["against"] = options.against;
    json["original_mean_nll"] = evaluation.divergence->original_mean_loss;
    json["original_perplexity"] = std::exp(evaluation.divergence->original_mean_loss);
    json["kl"] = evaluation.divergence->kl;
    json["top1_agreement"] = evaluation.divergence->top1_agreement;
    json["window_kl"] = evaluation.divergence->window_kl;
  }
  if (opened.activations.format) {
    const ActivationCounts& counts = *opened.activations.counts;
    json["activations"] = {{"values", counts.values},
                           {"clipped", counts.snap.clipped},
                           {"not_finite", counts.snap.not_finite}};
  }
  return json;
}

void print_table(const Json& json) {
  std::printf("%-22s %s\n", "model", json["model"].get<std::string>().c_str());
  if (json.contains("method"))
    std::printf("%-22s %s\n", "method", json["method"].get<std::string>().c_str());
  std::printf("%-22s %zu of %lld tokens\n", "windows", json["windows"].size(),
              static_cast<long long>(json["window"].get<std::int64_t>()));
  std::printf("%-22s %.4f\n%-22s %.6f nats per token\n", "perplexity",
              json["perplexity"].get<double>(), "mean loss", json["mean_nll"].get<double>());
  if (json.contains("kl"))
    std::printf("%-22s %s\n%-22s %.4f\n%-22s %.6f nats per token\n%-22s %.2f %%\n", "against",
                json["against"].get<std::string>().c_str(), "its perplexity",
                json["original_perplexity"].get<double>(), "KL divergence",
                json["kl"].get<double>(), "top-token agreement",
                100 * json["top1_agreement"].get<double>());
  if (!json.contains("activations"))
    return;
  const Json& counts = json["activations"];
  std::printf("%-22s %.3f %%\n", "activations clipped",
              100 * counts["clipped"].get<double>() /
                  std::max(1.0, counts["values"].get<double>()));
  if (counts["not_finite"] > 0)
    std::printf("%-22s %lld: the perplexity means nothing\n", "NaN activations",
                static_cast<long long>(counts["not_finite"].get<std::int64_t>()));
}

void run(const Options& options) {
  const OpenedModel opened = open_model(options.model);
  std::optional<OpenedModel> original;
  if (!options.against.empty())
    original = open_model(options.against);
  const TokenWindows windows = read_windows(options.text, *tokenizer_of(options.model));
  const Model* against = original ? &original->model : nullptr;
  Progress progress("evaluate", evaluation_steps(opened.model, against, windows), options.quiet);
  const Evaluation evaluation = evaluate(opened.model, against, windows, [&] { progress.step(); });
  progress.finish();
  const Json json = to_json(options, evaluation, opened);
  if (is_run(options.model)) {
    Json row = json;
    row["event"] = "evaluation";
    append_line(std::filesystem::path(options.model) / "metrics.jsonl", to_text(row));
  }
  if (options.json)
    std::printf("%s\n", to_text(json).c_str());
  else
    print_table(json);
}

} // namespace

void add_evaluate(CLI::App& program) {
  auto options = std::make_shared<Options>();
  CLI::App* command = program.add_subcommand(
      "evaluate",
      "Perplexity on a text; against an original also KL divergence and top-token agreement");
  command->add_option("MODEL", options->model, "Hugging Face folder, .gguf file or run folder")
      ->required();
  add_text_options(*command, options->text, "--text", "UTF-8 text files to predict");
  command->get_option("--text")->required();
  command
      ->add_option("--against", options->against,
                   "The original model to compare with, token by token")
      ->type_name("MODEL");
  command->add_flag("--json", options->json,
                    "Print one JSON object: perplexity, mean_nll, windows, kl, top1_agreement");
  command->add_flag("--quiet", options->quiet, "No progress");
  command->footer(
      "Example: latticelens evaluate run/ --text wiki.txt --windows 16 --against MODEL");
  command->callback([options] { run(*options); });
}

} // namespace latticelens
