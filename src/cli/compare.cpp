#include "cli/command_options.h"
#include "cli/commands.h"
#include "cli/metrics.h"
#include "cli/token_changes.h"
#include "core/error.h"
#include "core/progress.h"
#include "text/utf8.h"
#include <cstdio>

namespace latticelens {
namespace {

struct Options {
  std::string original, model;
  TextOptions text;
  std::int64_t positions = 20, context = 24;
  std::string device = "cpu";
  OutputOptions output;
};

/// On one line of a terminal.
std::string one_line(const std::string& text) {
  return replace_all(replace_all(replace_all(text, "\r", ""), "\t", " "), "\n", "\u23CE");
}

void print_position(int number, const Json& at) {
  const auto text = [&](const char* key) { return one_line(at[key].get<std::string>()); };
  std::printf("\n%3d. KL %.3f, loss %.3f -> %.3f, window %lld, position %lld\n"
              "     ...%s[%s]\n     original: [%s], model: [%s]\n",
              number, at["kl"].get<double>(), at["original_loss"].get<double>(),
              at["loss"].get<double>(), static_cast<long long>(at["window"].get<std::int64_t>()),
              static_cast<long long>(at["position"].get<std::int64_t>()), text("before").c_str(),
              text("token").c_str(), text("original_likeliest").c_str(), text("likeliest").c_str());
}

void print_all(const Json& json) {
  const auto number = [&](const char* key) { return json[key].get<double>(); };
  std::printf("%-22s %12s %12s\n", "", "original", "model");
  std::printf("%-22s %12.4f %12.4f\n", "perplexity", number("original_perplexity"),
              number("perplexity"));
  std::printf("%-22s %12.6f %12.6f nats a token\n", "mean loss", number("original_mean_nll"),
              number("mean_nll"));
  std::printf("%-22s %12.6f nats a token\n%-22s %10.2f %%\n", "KL(original || model)", number("kl"),
              "same likeliest token", 100 * number("top1_agreement"));
  const Json& changes = json["loss_changes"];
  std::printf("%-22s %10.2f %%\nchange of a token's loss, quantiles:\n ", "tokens with more loss",
              100 * changes["worse"].get<double>());
  for (const char* share : {"1%", "5%", "25%", "50%", "75%", "95%", "99%"})
    std::printf("  %s %+.3f", share, changes[share].get<double>());
  std::printf("\n\nwhere the predictions differ most: the text [the token that comes]\n");
  int number_of = 0;
  for (const Json& at : json["positions"])
    print_position(++number_of, at);
}

void run(const Options& options) {
  require(options.positions >= 0 && options.context >= 0, "compare",
          "--positions and --context must be 0 or more");
  const Device device = parse_device(options.device);
  const OpenedModel original = open_model(options.original, device),
                    opened = open_model(options.model, device);
  const auto tokenizer = tokenizer_of(options.original);
  const TokenWindows windows = read_windows(options.text, *tokenizer);
  TokenChanges changes(windows, options.positions);
  Progress progress("compare", "steps", evaluation_steps(opened.model, &original.model, windows),
                    options.output.quiet);
  const Evaluation evaluation = evaluate(
      opened.model, &original.model, windows, [&] { progress.step(); },
      [&](const Positions& at) { changes.add(at); });
  progress.finish();
  Json json = metrics_json(options.model, options.original, opened,
                           evaluation_json(options.text, evaluation));
  json.update(changes.to_json(*tokenizer, options.context));
  print_result(options.output, json, print_all);
}

} // namespace

void add_compare(CLI::App& program) {
  auto options = std::make_shared<Options>();
  CLI::App* command = program.add_subcommand(
      "compare", "Two models on a text, token by token: perplexity, KL divergence, how losses "
                 "change, and the places that change most, in context");
  add_path(*command, "ORIGINAL", options->original, any_model);
  add_path(*command, "MODEL", options->model, "The same, with the same vocabulary");
  add_text_options(*command, options->text, "--text", "UTF-8 text files to predict");
  command->add_option("--positions", options->positions, "How many places to show")
      ->capture_default_str();
  command->add_option("--context", options->context, "Tokens to show before each")
      ->capture_default_str();
  add_device_option(*command, options->device);
  add_output_options(
      *command, options->output,
      "Print one JSON object: what evaluate --against gives, loss_changes, positions");
  command->footer("Example: latticelens compare MODEL run/ --text wiki.txt --windows 4");
  command->callback([options] { run(*options); });
}

} // namespace latticelens
