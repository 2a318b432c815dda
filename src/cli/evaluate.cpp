#include "cli/commands.h"
#include "cli/evaluate_tasks.h"
#include "cli/text_options.h"
#include "core/error.h"
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
  TaskOptions tasks;
  bool json = false, quiet = false;
};

Json to_json(const Options& options, const Evaluation& evaluation) {
  Json json = {{"text", options.text.files},
               {"window", options.text.window},
               {"perplexity", evaluation.perplexity},
               {"mean_nll", evaluation.mean_loss},
               {"windows", evaluation.window_loss}};
  if (evaluation.divergence) {
    json["original_mean_nll"] = evaluation.divergence->original_mean_loss;
    json["original_perplexity"] = std::exp(evaluation.divergence->original_mean_loss);
    json["kl"] = evaluation.divergence->kl;
    json["top1_agreement"] = evaluation.divergence->top1_agreement;
    json["window_kl"] = evaluation.divergence->window_kl;
  }
  return json;
}

/// What is said of the models, whatever was measured.
Json models_json(const Options& options, const OpenedModel& opened) {
  Json json = {{"model", options.model}};
  if (!opened.method.empty())
    json["method"] = opened.method;
  if (!options.against.empty())
    json["against"] = options.against;
  return json;
}

Json counts_json(const ActivationCounts& counts) {
  return {{"values", counts.values},
          {"clipped", counts.snap.clipped},
          {"not_finite", counts.snap.not_finite}};
}

void print_line(const char* name, const std::string& value) {
  std::printf("%-22s %s\n", name, value.c_str());
}

void print_models(const Json& json) {
  for (const char* key : {"model", "method", "against"})
    if (json.contains(key))
      print_line(key, json[key].get<std::string>());
}

void print_perplexity(const Json& json) {
  std::printf("%-22s %zu of %lld tokens\n", "windows", json["windows"].size(),
              static_cast<long long>(json["window"].get<std::int64_t>()));
  std::printf("%-22s %.4f\n%-22s %.6f nats per token\n", "perplexity",
              json["perplexity"].get<double>(), "mean loss", json["mean_nll"].get<double>());
  if (json.contains("kl"))
    std::printf("%-22s %.4f\n%-22s %.6f nats per token\n%-22s %.2f %%\n", "original perplexity",
                json["original_perplexity"].get<double>(), "KL divergence",
                json["kl"].get<double>(), "top-token agreement",
                100 * json["top1_agreement"].get<double>());
}

void print_counts(const Json& counts) {
  std::printf("%-22s %.3f %%\n", "activations clipped",
              100 * counts["clipped"].get<double>() /
                  std::max(1.0, counts["values"].get<double>()));
  if (counts["not_finite"] > 0)
    std::printf("%-22s %lld: the numbers above mean nothing\n", "NaN activations",
                static_cast<long long>(counts["not_finite"].get<std::int64_t>()));
}

void print_all(const Json& json) {
  print_models(json);
  if (json.contains("perplexity"))
    print_perplexity(json);
  else
    print_tasks(json);
  if (json.contains("activations"))
    print_counts(json["activations"]);
}

Json measure_text(const Options& options, const Model& model, const Model* against) {
  const TokenWindows windows = read_windows(options.text, *tokenizer_of(options.model));
  Progress progress("evaluate", evaluation_steps(model, against, windows), options.quiet);
  const Evaluation evaluation = evaluate(model, against, windows, [&] { progress.step(); });
  progress.finish();
  return to_json(options, evaluation);
}

void run(const Options& options) {
  const bool answers = !options.tasks.names.empty();
  require(answers != !options.text.files.empty(), "evaluate",
          "give one of --text (perplexity) and --tasks (questions of multiple choice)");
  const OpenedModel opened = open_model(options.model);
  std::optional<OpenedModel> original;
  if (!options.against.empty())
    original = open_model(options.against);
  const Model* against = original ? &original->model : nullptr;
  Json json = models_json(options, opened);
  json.update(
      answers ? evaluate_tasks(options.tasks, options.model, opened.model, against, options.quiet)
              : measure_text(options, opened.model, against));
  if (opened.activations.format)
    json["activations"] = counts_json(*opened.activations.counts);
  if (is_run(options.model)) {
    Json row = json;
    row["event"] = answers ? "tasks" : "evaluation";
    append_line(std::filesystem::path(options.model) / "metrics.jsonl", to_text(row));
  }
  if (options.json)
    std::printf("%s\n", to_text(json).c_str());
  else
    print_all(json);
}

} // namespace

void add_evaluate(CLI::App& program) {
  auto options = std::make_shared<Options>();
  CLI::App* command = program.add_subcommand(
      "evaluate",
      "Perplexity on a text, or the accuracy on tasks of multiple choice; against an original also "
      "KL divergence and top-token agreement, or the answers that changed");
  command->add_option("MODEL", options->model, "Hugging Face folder, .gguf file or run folder")
      ->required();
  add_text_options(*command, options->text, "--text", "UTF-8 text files to predict");
  command
      ->add_option("--against", options->against,
                   "The original model to compare with, token by token or answer by answer")
      ->type_name("MODEL");
  add_task_options(*command, options->tasks);
  command->add_flag("--json", options->json,
                    "Print one JSON object: perplexity, mean_nll, windows, kl, top1_agreement; or "
                    "tasks, mean");
  command->add_flag("--quiet", options->quiet, "No progress");
  command->footer(
      "Example: latticelens evaluate run/ --text wiki.txt --windows 16 --against MODEL\n"
      "         latticelens evaluate run/ --tasks piqa,winogrande --data tasks/ --against MODEL");
  command->callback([options] { run(*options); });
}

} // namespace latticelens
