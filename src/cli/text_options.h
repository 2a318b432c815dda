// The options for a text and how it is cut into windows, shared by commands that read one.
#pragma once
#include "text/corpus.h"
#include <CLI/CLI.hpp>

namespace latticelens {

struct TextOptions {
  std::vector<std::string> files;
  std::int64_t window = 2048;
  std::int64_t windows = 0; // 0: as many as the text has
};

/// Adds FLAG (the files), --window and --windows to a command.
void add_text_options(CLI::App& command, TextOptions& options, const std::string& flag,
                      const std::string& help);

/// Reads, tokenizes and cuts; says once on stderr when bytes had no token.
TokenWindows read_windows(const TextOptions& options, const Tokenizer& tokenizer);

/// The tokenizer of a model's path; of a run, that of its model.
std::unique_ptr<Tokenizer> tokenizer_of(const std::filesystem::path& model);

} // namespace latticelens
