#include "evaluate/token_requests.h"

#include "core/error.h"
#include "evaluate/white_space.h"

namespace latticelens {
namespace {

std::int64_t size_of(const std::vector<TokenId>& ids) {
  return static_cast<std::int64_t>(ids.size());
}

/// Removes tokens on the left until the input fits; whether it removed any.
bool truncate(TokenRequest& request, std::int64_t positions) {
  const std::int64_t excess = size_of(request.ids) - 1 - positions;
  if (positions <= 0 || excess <= 0)
    return false;
  request.ids.erase(request.ids.begin(), request.ids.begin() + excess);
  request.context_tokens -= excess;
  return true;
}

} // namespace

TokenItems encode_items(const Tokenizer& tokenizer, const std::vector<Item>& items,
                        const EncodeOptions& options) {
  TokenItems result;
  const auto encode = [&](std::string_view text) {
    // Special tokens are parsed, as the tokenizers do that these tasks' published numbers rest on.
    Encoding encoding = tokenizer.encode(text, SpecialTokens::parsed);
    if (options.begin_of_text)
      encoding.ids.insert(encoding.ids.begin(), tokenizer.begin_of_text().value());
    return encoding;
  };
  const auto request_of = [&](const Request& request, const std::string& where) {
    const std::string_view context = request.context;
    const Encoding whole = encode(request.context + request.continuation);
    TokenRequest tokens{
        whole.ids,
        size_of(encode(context.substr(0, context.size() - trailing_space(context))).ids)};
    require(tokens.context_tokens > 0 && tokens.context_tokens < size_of(tokens.ids), "tasks",
            where + ": the context or a choice has no token in this vocabulary; remove the line");
    result.truncated += truncate(tokens, options.positions);
    require(tokens.context_tokens > 0, "tasks",
            where + ": a choice is longer than the " + std::to_string(options.positions) +
                " positions of the model; remove the line");
    result.dropped_bytes += whole.dropped_bytes;
    return tokens;
  };
  for (const Item& item : items) {
    result.items.emplace_back();
    for (const Request& request : item.requests)
      result.items.back().push_back(request_of(request, item.where));
  }
  return result;
}

} // namespace latticelens
