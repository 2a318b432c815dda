#include "sae/sampling_rule.h"

#include "core/error.h"
#include "core/files.h"
#include "core/words.h"
#include <algorithm>
#include <charconv>

namespace latticelens {
namespace {

struct Named {
  const char* name;
  bool first_only;
};
constexpr Named rules[] = {{"first", true}, {"all", false}};

[[noreturn]] void fail(const std::string& text) {
  throw Error("sae", "\"" + text +
                         "\" is no sampling rule; give first:65 (the beginning of each document) "
                         "or all:256 (everything, in windows), lengths of 2 or more");
}

void add_windows(const std::vector<TokenId>& ids, const std::vector<TokenId>& start,
                 std::int64_t document, const SamplingRule& rule, SampledText& to) {
  const std::int64_t own = rule.length - std::ssize(start), count = std::ssize(ids);
  if (rule.first_only && count < own) {
    ++to.left_out;
    return;
  }
  for (std::int64_t first = 0; first < count; first += own) {
    TextWindow window{start, document, std::ssize(start)};
    const std::int64_t last = std::min(first + own, count);
    window.ids.insert(window.ids.end(), ids.begin() + first, ids.begin() + last);
    to.windows.push_back(std::move(window));
    if (rule.first_only)
      return;
  }
}

} // namespace

std::int64_t SampledText::taken() const {
  std::int64_t sum = 0;
  for (const TextWindow& window : windows)
    sum += window.taken();
  return sum;
}

SamplingRule parse_sampling(const std::string& text) {
  for (const Named& named : rules) {
    const std::string prefix = std::string(named.name) + ":";
    if (!text.starts_with(prefix))
      continue;
    SamplingRule rule{named.first_only, 0};
    const char* const end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data() + prefix.size(), end, rule.length);
    if (error != std::errc() || stop != end || rule.length < 2)
      fail(text);
    return rule;
  }
  fail(text);
}

std::string to_text(const SamplingRule& rule) {
  return std::string(rule.first_only ? "first:" : "all:") + std::to_string(rule.length);
}

SampledText sample(const std::vector<Document>& documents, const Tokenizer& tokenizer,
                   const SamplingRule& rule) {
  SampledText text{.windows = {}, .documents = std::ssize(documents)};
  const auto begin = tokenizer.begin_of_text();
  const std::vector<TokenId> start = begin ? std::vector<TokenId>{*begin} : std::vector<TokenId>();
  for (std::size_t i = 0; i < documents.size(); ++i) {
    const Encoding encoding = tokenizer.encode(documents[i].text);
    text.dropped_bytes += encoding.dropped_bytes;
    add_windows(encoding.ids, start, static_cast<std::int64_t>(i), rule, text);
  }
  require(!text.windows.empty(), "sae",
          "none of " + std::to_string(documents.size()) + " documents has " +
              std::to_string(rule.length) + " tokens, as the sampling rule " + to_text(rule) +
              " asks; give longer ones, or --sampling all:256");
  return text;
}

Part part_of(const Document& document) {
  constexpr int tenths = 10;
  const std::string hash = text_hash(document.text);
  std::uint64_t number = 0;
  std::from_chars(hash.data(), hash.data() + 16, number, 16);
  const std::uint64_t place = number % tenths;
  return place == 0 ? Part::test : place == 1 ? Part::validation : Part::training;
}

std::vector<Document> documents_of(const std::vector<Document>& all, Part part) {
  std::vector<Document> some;
  std::ranges::copy_if(all, std::back_inserter(some),
                       [&](const Document& document) { return part_of(document) == part; });
  return some;
}

} // namespace latticelens
