#include "cli/command_options.h"
#include "cli/commands.h"
#include "cli/text_options.h"
#include "core/error.h"
#include "core/json.h"
#include "core/progress.h"
#include <cstdio>
#include <fstream>
#include <iostream>

namespace latticelens {
namespace {

struct Options {
  std::string model, jsonl;
  bool special = false;
  OutputOptions output;
};

void tokenize_lines(std::istream& input, const Options& options, const Tokenizer& tokenizer) {
  std::string line;
  std::int64_t dropped = 0;
  Json rows = Json::array();
  Progress progress("tokenize", "lines", 0, options.output.quiet);
  const SpecialTokens special = options.special ? SpecialTokens::parsed : SpecialTokens::as_text;
  for (std::int64_t number = 1; std::getline(input, line); ++number) {
    const std::string where = options.jsonl + " line " + std::to_string(number);
    const Encoding encoding =
        tokenizer.encode(member<std::string>(parse_json(line, where), "text", where), special);
    dropped += encoding.dropped_bytes;
    Json row = {{"ids", encoding.ids}, {"decoded", tokenizer.decode(encoding.ids)}};
    if (options.output.json)
      rows.push_back(std::move(row));
    else
      std::printf("%s\n", to_text(row).c_str());
    progress.step();
  }
  progress.finish();
  if (options.output.json)
    std::printf("%s\n", to_text(rows).c_str());
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
  add_path(*command, "MODEL", options->model,
           "Model or run folder, tokenizer.json, SentencePiece .model or .gguf");
  command
      ->add_option("--jsonl", options->jsonl,
                   "File with one JSON object a line; - for standard input")
      ->required()
      ->type_name("FILE");
  command->add_flag("--special", options->special,
                    "Parse special tokens in the texts instead of treating them as text");
  add_output_options(*command, options->output,
                     "Print one JSON array of all lines instead of one object a line");
  command->footer(
      "Example: echo '{\"text\": \"こんにちは\"}' | latticelens tokenize MODEL --jsonl -");
  command->callback([options] { run(*options); });
}

} // namespace latticelens
