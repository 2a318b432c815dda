#include "cli/command_options.h"
#include "cli/commands.h"
#include "cli/evaluate_tasks.h"
#include "cli/metrics.h"
#include "cli/token_changes.h"
#include "core/error.h"
#include "core/progress.h"
#include "core/run_directory.h"
#include <cstdio>

namespace latticelens {
namespace {

struct Options {
  std::string model, against;
  TextOptions text;
  TaskOptions tasks;
  std::string device = "cpu";
  OutputOptions output;
};

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
  const auto tokenizer = tokenizer_of(options.model);
  const TokenWindows windows = read_windows(options.text, *tokenizer);
  TokenChanges changes(windows, kept_places);
  Progress progress("evaluate", "steps", evaluation_steps(model, against, windows),
                    options.output.quiet);
  const Evaluation evaluation = evaluate(
      model, against, windows, [&] { progress.step(); },
      [&](const Positions& at) {
        if (against != nullptr)
          changes.add(at);
      });
  progress.finish();
  Json json = evaluation_json(options.text, evaluation);
  if (against != nullptr)
    json.update(changes.to_json(*tokenizer, kept_context));
  return json;
}

void run(const Options& options) {
  const bool answers = !options.tasks.names.empty();
  require(answers != !options.text.files.empty(), "evaluate",
          "give one of --text (perplexity) and --tasks (questions of multiple choice)");
  const Device device = parse_device(options.device);
  const OpenedModel opened = open_model(options.model, device);
  std::optional<OpenedModel> original;
  if (!options.against.empty())
    original = open_model(options.against, device);
  const Model* against = original ? &original->model : nullptr;
  const Json measured = answers ? evaluate_tasks(options.tasks, options.model, opened.model,
                                                 against, options.output.quiet)
                                : measure_text(options, opened.model, against);
  const Json json = metrics_json(options.model, options.against, opened, measured);
  if (is_run(options.model))
    keep_metrics(options.model, answers ? "tasks" : "evaluation", json);
  print_result(options.output, json, print_all);
}

} // namespace

void add_evaluate(CLI::App& program) {
  auto options = std::make_shared<Options>();
  CLI::App* command = program.add_subcommand(
      "evaluate",
      "Perplexity on a text, or the accuracy on tasks of multiple choice; against an original also "
      "KL divergence and top-token agreement, or the answers that changed");
  add_path(*command, "MODEL", options->model, any_model);
  add_text_options(*command, options->text, "--text", "UTF-8 text files to predict");
  command
      ->add_option("--against", options->against,
                   "The original model to compare with, token by token or answer by answer")
      ->type_name("PATH");
  add_task_options(*command, options->tasks);
  command
      ->add_option("--items", options->tasks.items,
                   "Write every item's scores of the tasks, a JSON object a line")
      ->type_name("FILE");
  add_device_option(*command, options->device);
  add_output_options(*command, options->output,
                     "Print one JSON object: perplexity, mean_nll, windows, kl, top1_agreement; or "
                     "tasks, mean");
  command->footer(
      "Example: latticelens evaluate run/ --text wiki.txt --windows 16 --against MODEL\n"
      "         latticelens evaluate run/ --tasks piqa,winogrande --data tasks/ --against MODEL");
  command->callback([options] { run(*options); });
}

} // namespace latticelens
