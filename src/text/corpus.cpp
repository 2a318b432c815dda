#include "text/corpus.h"

#include "core/error.h"
#include "core/files.h"
#include "text/utf8.h"
#include <algorithm>

namespace latticelens {

std::string read_corpus(const std::vector<std::filesystem::path>& paths) {
  require(!paths.empty(), "corpus", "no text file given; name at least one");
  std::string text;
  for (const auto& path : paths) {
    const std::string part = read_text(path);
    require_utf8(part, "corpus", path.string());
    if (!text.empty() && !part.empty())
      text += "\n\n";
    text += part;
  }
  require(!text.empty(), "corpus", paths.front().string() + ": no text in it; give another file");
  return text;
}

std::string hash_of(const TokenWindows& windows) {
  if (windows.count == 0)
    return "";
  return text_hash(
      {reinterpret_cast<const char*>(windows.ids.data()), windows.ids.size() * sizeof(TokenId)});
}

TokenWindows cut_windows(const Tokenizer& tokenizer, std::string_view text, std::int64_t length,
                         std::optional<std::int64_t> limit) {
  require(length >= 1 && limit.value_or(1) >= 1, "corpus",
          "window length and number of windows should be at least 1");
  Encoding encoding = tokenizer.encode(text);
  if (tokenizer.adds_begin_of_text())
    encoding.ids.insert(encoding.ids.begin(), tokenizer.begin_of_text().value());
  const auto available = static_cast<std::int64_t>(encoding.ids.size());
  require(available >= length, "corpus",
          "the text has " + std::to_string(available) + " tokens, one window needs " +
              std::to_string(length) + "; give more text or a shorter window");
  TokenWindows windows{.ids = std::move(encoding.ids),
                       .count = std::min(available / length, limit.value_or(available)),
                       .length = length,
                       .dropped_bytes = encoding.dropped_bytes};
  windows.ids.resize(static_cast<std::size_t>(windows.count * length));
  return windows;
}

} // namespace latticelens
