#include "cli/commands.h"
#include "cli/text_options.h"
#include "core/error.h"
#include "core/json.h"
#include <cstdio>
#include <fstream>
#include <iostream>

namespace latticelens {
namespace {

struct Options {
  std::string model, jsonl;
  bool special = false;
};

void tokenize_lines(std::istream& input, const Options& options, const Tokenizer& tokenizer) {
  std::string line;
  std::int64_t dropped = 0;
  const SpecialTokens special = options.special ? SpecialTokens::parsed : SpecialTokens::as_text;
  for (std::int64_t number = 1; std::getline(input, line); ++number) {
    const std::string where = options.jsonl + " line " + std::to_string(number);
    const Encoding encoding =
        tokenizer.encode(member<std::string>(parse_json(line, where), "text", where), special);
    dropped += encoding.dropped_bytes;
    std::printf(
        "%s\n",
        to_text({{"ids", encoding.ids}, {"decoded", tokenizer.decode(encoding.ids)}}).c_str());
  }
  if (dropped > 0)
    std::fprintf(stderr, "note: %lld bytes have no token in this vocabulary and were left out\n",
                 static_cast<long long>(dropped));
}

void run(const Options& options) {
  const auto tokenizer = tokenizer_of(options.model);
  if (options.jsonl == "-")
    return tokenize_lines(std::cin, options, *tokenizer);
  std::ifstream file(options.jsonl);
  require(file.is_open(), "tokenize",
          options.jsonl + ": cannot be opened; give a file with one {\"text\": ...} a line, or - "
                          "for standard input");
  tokenize_lines(file, options, *tokenizer);
}

} // namespace

void add_tokenize(CLI::App& program) {
  auto options = std::make_shared<Options>();
  CLI::App* command = program.add_subcommand(
      "tokenize", "Token ids of texts: {\"text\"} a line in, {\"ids\", \"decoded\"} a line out");
  command
      ->add_option("MODEL", options->model,
                   "Model or run folder, tokenizer.json, SentencePiece .model or .gguf")
      ->required();
  command
      ->add_option("--jsonl", options->jsonl,
                   "File with one JSON object a line; - for standard input")
      ->required()
      ->type_name("FILE");
  command->add_flag("--special", options->special,
                    "Parse special tokens in the texts instead of treating them as text");
  command->footer(
      "Example: echo '{\"text\": \"こんにちは\"}' | latticelens tokenize MODEL --jsonl -");
  command->callback([options] { run(*options); });
}

} // namespace latticelens
