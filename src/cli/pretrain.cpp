#include "pretrain/pretrain.h"

#include "cli/command_options.h"
#include "cli/commands.h"
#include "core/progress.h"
#include <cstdio>

namespace latticelens {
namespace {

struct Options {
  std::vector<std::string> text;
  std::string out;
  Recipe recipe;
  OutputOptions output;
};

double tokens_per_second(const Training& training) {
  return training.seconds > 0 ? static_cast<double>(training.tokens) / training.seconds : 0;
}

/// Its series.json, and what this run of the program did.
Json to_json(const Options& options, const Training& training) {
  Json json = {{"out", options.out}};
  json.update(training.series);
  json["steps"] = training.steps;
  json["seconds"] = training.seconds;
  json["tokens_per_second"] = tokens_per_second(training);
  json["peak_memory"] = peak_memory();
  return json;
}

void print_training(const Options& options, const Training& training) {
  const Json& series = training.series;
  std::printf("%-12s %9s %12s  loss on what is held out, nats a token\n", "checkpoint", "step",
              "tokens");
  for (const Json& checkpoint : series["checkpoints"]) {
    std::printf("%-12s %9lld %12lld ", checkpoint["folder"].get<std::string>().c_str(),
                static_cast<long long>(checkpoint["step"].get<std::int64_t>()),
                static_cast<long long>(checkpoint["tokens"].get<std::int64_t>()));
    for (const auto& [language, loss] : checkpoint["held_out_loss"].items())
      std::printf(" %s %.4f", language.c_str(), loss.get<double>());
    std::printf("\n");
  }
  std::printf("%lld parameters; %lld steps in %s, %.0f tokens a second, peak memory %s\n",
              static_cast<long long>(series["facts"]["parameters"].get<std::int64_t>()),
              static_cast<long long>(training.steps), duration_text(training.seconds).c_str(),
              tokens_per_second(training), bytes_text(peak_memory()).c_str());
  std::printf("next: latticelens generate %s/%s --prompt TEXT\n", options.out.c_str(),
              series["checkpoints"].back()["folder"].get<std::string>().c_str());
}

void run(const Options& options) {
  check_recipe(options.recipe); // its errors come before the texts are read
  const std::vector<std::filesystem::path> folders(options.text.begin(), options.text.end());
  const Training training =
      pretrain(options.out, options.recipe, read_languages(folders), options.output.quiet);
  if (training.steps == 0 && !options.output.quiet)
    std::fprintf(stderr, "%s: this series is finished; nothing to do\n", options.out.c_str());
  print_result(options.output, to_json(options, training),
               [&](const Json&) { print_training(options, training); });
}

void add_model_options(CLI::App& command, Recipe& recipe) {
  add_choice(command, "--tokenizer", recipe.tokenizer, "bpe|unigram",
             "SentencePiece model; transformers 5 loads only bpe")
      ->capture_default_str();
  const auto add = [&](const char* name, auto& value, const char* help) {
    command.add_option(name, value, help)->capture_default_str();
  };
  add("--vocabulary", recipe.vocabulary, "Tokens in the vocabulary");
  add("--hidden", recipe.hidden, "Width of the residual stream");
  add("--layers", recipe.layers, "Blocks");
  add("--heads", recipe.heads, "Heads that cut the width");
  add("--key-value-heads", recipe.key_value_heads, "Heads of keys and values");
  add("--intermediate", recipe.intermediate, "Width of the feed-forward part");
}

void add_training_options(CLI::App& command, Recipe& recipe) {
  const auto add = [&](const char* name, auto& value, const char* help) {
    command.add_option(name, value, help)->capture_default_str();
  };
  add("--window", recipe.window, "Tokens that see each other");
  add("--steps", recipe.steps, "Steps of training");
  add("--batch-tokens", recipe.batch_tokens, "Tokens of a step");
  add("--rate", recipe.rate, "Highest learning rate; it falls to a tenth along a cosine");
  add("--warm-up", recipe.warm_up, "Share of the steps in which the rate rises");
  add("--every", recipe.every, "Checkpoints at 0, 1, 2, 4, 8 ... steps, and at multiples of this");
  add("--seed", recipe.seed, "Seed of every random draw");
}

} // namespace

void add_pretrain(CLI::App& program) {
  auto options = std::make_shared<Options>();
  CLI::App* command = program.add_subcommand(
      "pretrain", "Train a small bilingual LLaMA from nothing, with checkpoints on a log scale");
  command
      ->add_option("--text", options->text,
                   "Folders of .txt files and .jsonl files of {\"text\"} lines, one a language")
      ->required()
      ->type_name("DIR");
  command
      ->add_option("--out", options->out,
                   "Folder of the series; the same command continues a killed one")
      ->required()
      ->type_name("DIR");
  add_model_options(*command, options->recipe);
  add_training_options(*command, options->recipe);
  add_output_options(*command, options->output,
                     "Print one JSON object: series.json's checkpoints, tokens_per_second, ...");
  command->footer(
      "Example: latticelens pretrain --text text/ja text/en --steps 1000 --out series/");
  command->callback([options] { run(*options); });
}

} // namespace latticelens
