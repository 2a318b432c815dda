#include "cli/command_options.h"
#include "cli/commands.h"
#include "cli/text_options.h"
#include "core/error.h"
#include "core/json.h"
#include "core/progress.h"
#include "evaluate/generation.h"
#include "quantize/packed_model.h"
#include "text/utf8.h"
#include <cstdio>
#include <iostream>
#include <iterator>
#include <unistd.h>

namespace latticelens {
namespace {

struct Options {
  std::string model;
  std::optional<std::string> prompt;
  GenerationRequest request;
  bool special = false, ignore_end = false;
  std::string device = "cpu";
  OutputOptions output;
};

/// What is complete of a growing text is printed as it grows: a character may need more tokens than
/// have come.
class GrowingText {
 public:
  GrowingText(const Tokenizer& tokenizer, std::vector<TokenId> ids)
      : tokenizer_(tokenizer), ids_(std::move(ids)), begin_(tokenizer.decode(ids_).size()),
        printed_(begin_) {}

  void add(TokenId id) { ids_.push_back(id); }
  /// What was not given before; `last`: broken characters at the end too.
  std::string more(bool last) {
    const std::string text = tokenizer_.decode(ids_);
    std::size_t end = text.size();
    while (!last && end >= replacement.size() &&
           std::string_view(text).substr(0, end).ends_with(replacement))
      end -= replacement.size();
    if (end <= printed_)
      return "";
    const std::string more = text.substr(printed_, end - printed_);
    printed_ = end;
    return more;
  }
  std::string all() const { return tokenizer_.decode(ids_).substr(begin_); }

 private:
  static constexpr std::string_view replacement = "\xEF\xBF\xBD";
  const Tokenizer& tokenizer_;
  std::vector<TokenId> ids_;
  std::size_t begin_, printed_;
};

std::string prompt_of(const Options& options) {
  if (options.prompt)
    return *options.prompt;
  require(!isatty(STDIN_FILENO), "generate",
          "no prompt; give --prompt TEXT or a text on standard input");
  return {std::istreambuf_iterator<char>(std::cin), {}};
}

std::vector<TokenId> ids_of(const std::string& prompt, const Tokenizer& tokenizer, bool special) {
  require_utf8(prompt, "generate", "the prompt");
  Encoding encoding =
      tokenizer.encode(prompt, special ? SpecialTokens::parsed : SpecialTokens::as_text);
  if (encoding.dropped_bytes > 0)
    std::fprintf(stderr, "note: %lld bytes of the prompt have no token in this vocabulary\n",
                 static_cast<long long>(encoding.dropped_bytes));
  if (const auto begin = tokenizer.begin_of_text();
      begin && (tokenizer.adds_begin_of_text() || encoding.ids.empty()))
    encoding.ids.insert(encoding.ids.begin(), *begin);
  return encoding.ids;
}

void note_length(const Config& config, std::int64_t tokens) {
  const auto trained =
      member_or<std::int64_t>(config.source, "max_position_embeddings", tokens, "config");
  if (tokens > trained)
    std::fprintf(stderr,
                 "note: prompt and answer may take %lld tokens, and the model was made for "
                 "%lld\n",
                 static_cast<long long>(tokens), static_cast<long long>(trained));
}

double per_second(std::size_t tokens, double seconds) {
  return seconds > 0 ? static_cast<double>(tokens) / seconds : 0;
}

Json to_json(const Options& options, const GenerationRequest& request, const Generation& made,
             const std::string& text) {
  return {{"model", options.model},
          {"device", options.device},
          {"prompt_tokens", request.prompt.size()},
          {"text", text},
          {"ids", made.ids},
          {"ended", made.ended},
          {"temperature", request.sampling.temperature},
          {"top_k", request.sampling.top_k},
          {"top_p", request.sampling.top_p},
          {"seed", request.seed},
          {"prefill_seconds", made.prefill_seconds},
          {"prefill_tokens_per_second", per_second(request.prompt.size(), made.prefill_seconds)},
          {"seconds", made.seconds},
          {"tokens_per_second", per_second(made.ids.size(), made.seconds)},
          {"peak_memory", peak_memory()}};
}

void print_speed(const GenerationRequest& request, const Generation& made) {
  std::fprintf(stderr,
               "prompt %zu tokens, %.1f a second; answer %zu tokens, %.1f a second%s; peak %s\n",
               request.prompt.size(), per_second(request.prompt.size(), made.prefill_seconds),
               made.ids.size(), per_second(made.ids.size(), made.seconds),
               made.ended ? ", ended by the model" : "", bytes_text(peak_memory()).c_str());
}

void run(const Options& options) {
  GenerationRequest request = options.request;
  check_sampling(request.sampling);
  require(request.tokens > 0, "generate", "--tokens must be 1 or more");
  const Device device = parse_device(options.device);
  const OpenedModel opened = open_model(options.model, device);
  const auto tokenizer = tokenizer_of(options.model);
  request.prompt = ids_of(prompt_of(options), *tokenizer, options.special);
  if (!options.ignore_end)
    request.ends = end_tokens(opened.model);
  const std::int64_t capacity = static_cast<std::int64_t>(request.prompt.size()) + request.tokens;
  note_length(opened.model.config, capacity);
  Progress progress("load", "blocks", opened.model.config.layers, options.output.quiet);
  Decoding decoding(opened.model, capacity, [&] { progress.step(); });
  progress.finish();
  GrowingText text(*tokenizer, request.prompt);
  const auto print = [&](bool last) {
    if (options.output.json)
      return;
    std::fputs(text.more(last).c_str(), stdout);
    std::fflush(stdout);
  };
  // A text that appears on the terminal is its own progress.
  const bool seen = !options.output.json && isatty(STDOUT_FILENO);
  Progress tokens("generate", "tokens", request.tokens, options.output.quiet || seen);
  const Generation made = generate(decoding, request, [&](TokenId id) {
    text.add(id);
    print(false);
    tokens.step();
  });
  tokens.finish();
  print(true);
  print_result(options.output, to_json(options, request, made, text.all()),
               [](const Json&) { std::printf("\n"); });
  if (!options.output.quiet)
    print_speed(request, made);
}

} // namespace

void add_generate(CLI::App& program) {
  auto options = std::make_shared<Options>();
  CLI::App* command = program.add_subcommand(
      "generate", "Continue a text, to see what a model says and how fast; the likeliest tokens, "
                  "or drawn with a seed");
  GenerationRequest& request = options->request;
  add_path(*command, "MODEL", options->model, any_model);
  command->add_option("--prompt", options->prompt, "Text to continue; else standard input")
      ->type_name("TEXT");
  command->add_option("--tokens", request.tokens, "At most so many new tokens")
      ->capture_default_str();
  command
      ->add_option("--temperature", request.sampling.temperature,
                   "0: always the likeliest token; 1: as probable as the model says")
      ->capture_default_str();
  command->add_option("--top-k", request.sampling.top_k, "Draw from the k likeliest; 0: from all")
      ->capture_default_str();
  command
      ->add_option("--top-p", request.sampling.top_p,
                   "Draw from the likeliest whose probabilities reach this together")
      ->capture_default_str();
  command->add_option("--seed", request.seed, "The same seed draws the same text")
      ->capture_default_str();
  command->add_flag("--special", options->special,
                    "Parse special tokens in the prompt (<|im_start|> ...)");
  command->add_flag("--ignore-end", options->ignore_end, "Go on after the model's end token");
  add_device_option(*command, options->device);
  add_output_options(*command, options->output,
                     "Print one JSON object: text, ids, ended, tokens_per_second, ...");
  command->footer("Example: latticelens generate run/ --prompt \"The capital of France is\" "
                  "--tokens 32\n"
                  "         echo \"むかしむかし\" | latticelens generate MODEL --temperature 0.8 "
                  "--top-p 0.95 --seed 1");
  command->callback([options] { run(*options); });
}

} // namespace latticelens
