#include "cli/text_options.h"

#include "core/run_directory.h"
#include <cstdio>

namespace latticelens {

void add_text_options(CLI::App& command, TextOptions& options, const std::string& flag,
                      const std::string& help) {
  command.add_option(flag, options.files, help)->type_name("FILE");
  command.add_option("--window", options.window, "Tokens in a window")
      ->capture_default_str()
      ->check(CLI::Range(2, 1 << 20));
  command
      .add_option("--windows", options.windows,
                  "Windows to use, from the start (0: all that the text has)")
      ->capture_default_str()
      ->check(CLI::Range(0, 1 << 20));
}

TokenWindows read_windows(const TextOptions& options, const Tokenizer& tokenizer) {
  std::vector<std::filesystem::path> paths(options.files.begin(), options.files.end());
  const auto limit = options.windows > 0 ? std::optional(options.windows) : std::nullopt;
  TokenWindows windows = cut_windows(tokenizer, read_corpus(paths), options.window, limit);
  if (windows.dropped_bytes > 0)
    std::fprintf(
        stderr, "note: %lld bytes of the text have no token in this vocabulary and were left out\n",
        static_cast<long long>(windows.dropped_bytes));
  return windows;
}

std::unique_ptr<Tokenizer> tokenizer_of(const std::filesystem::path& model) {
  return open_tokenizer(is_run(model) ? model / "model" : model);
}

} // namespace latticelens
