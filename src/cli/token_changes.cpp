#include "cli/token_changes.h"

#include <ATen/ATen.h>
#include <algorithm>

namespace latticelens {
namespace {

constexpr std::string_view broken = "\uFFFD"; // what decode gives for bytes that are no character

/// The value that a share of the ascending values does not exceed.
double quantile(const std::vector<double>& values, double share) {
  const auto place = static_cast<std::size_t>(share * static_cast<double>(values.size() - 1) + 0.5);
  return values.at(place);
}

Json changes_json(std::vector<double> changes) {
  std::sort(changes.begin(), changes.end());
  const auto count = static_cast<double>(changes.size());
  const auto worse = changes.end() - std::upper_bound(changes.begin(), changes.end(), 0.0);
  Json json = {{"worse", static_cast<double>(worse) / count}};
  for (const int percent : {1, 5, 25, 50, 75, 95, 99})
    json[std::to_string(percent) + "%"] = quantile(changes, percent / 100.0);
  return json;
}

std::string without_broken_end(std::string text) {
  while (text.ends_with(broken))
    text.resize(text.size() - broken.size());
  return text;
}

std::string without_broken_start(std::string text) {
  while (text.starts_with(broken))
    text.erase(0, broken.size());
  return text;
}

/// The tokens before a place as text, and what tokens add to it. A token can be a part of a
/// character only, so both are read together.
class Context {
 public:
  Context(const Tokenizer& tokenizer, std::vector<TokenId> before)
      : tokenizer_(tokenizer), before_(std::move(before)),
        text_(without_broken_end(tokenizer.decode(before_))) {}

  /// Begins with a whole character, wherever the tokens were cut.
  std::string text() const { return without_broken_start(text_); }

  std::string added_by(const std::vector<TokenId>& tokens) const {
    std::vector<TokenId> all = before_;
    all.insert(all.end(), tokens.begin(), tokens.end());
    const std::string whole = tokenizer_.decode(all);
    return whole.starts_with(text_) ? whole.substr(text_.size()) : tokenizer_.decode(tokens);
  }

 private:
  const Tokenizer& tokenizer_;
  std::vector<TokenId> before_;
  std::string text_;
};

std::vector<TokenId> tokens_of(const TokenWindows& windows, std::int64_t window, std::int64_t first,
                               std::int64_t last) {
  const auto begin = windows.ids.begin() + window * windows.length;
  return {begin + first, begin + last};
}

/// What stands at the place, with the tokens behind it that its last character needs.
std::string standing(const Context& context, const TokenWindows& windows,
                     const TokenDifference& at) {
  constexpr std::int64_t most_bytes = 4; // of a character
  std::string text;
  for (std::int64_t last = at.position + 1;
       last <= std::min(windows.length, at.position + most_bytes); ++last) {
    text = context.added_by(tokens_of(windows, at.window, at.position, last));
    if (!text.ends_with(broken))
      break;
  }
  return text;
}

Json place_json(const TokenDifference& at, const Tokenizer& tokenizer, const TokenWindows& windows,
                std::int64_t context_length) {
  const std::int64_t first = std::max<std::int64_t>(0, at.position - context_length);
  const Context context(tokenizer, tokens_of(windows, at.window, first, at.position));
  return {{"window", at.window},
          {"position", at.position},
          {"kl", at.kl},
          {"original_loss", at.original_loss},
          {"loss", at.loss},
          {"before", context.text()},
          {"token", standing(context, windows, at)},
          {"original_likeliest", context.added_by({at.original_likeliest})},
          {"likeliest", context.added_by({at.likeliest})}};
}

} // namespace

void TokenChanges::add(const Positions& at) {
  largest_.add(at, windows_);
  const Tensor change = (at.loss - at.original_loss).contiguous();
  const auto* value = change.const_data_ptr<double>();
  changes_.insert(changes_.end(), value, value + change.numel());
}

Json TokenChanges::to_json(const Tokenizer& tokenizer, std::int64_t context) const {
  Json places = Json::array();
  for (const TokenDifference& at : largest_.sorted())
    places.push_back(place_json(at, tokenizer, windows_, context));
  return {{"loss_changes", changes_json(changes_)}, {"positions", std::move(places)}};
}

} // namespace latticelens
