// Requests as tokens.
#pragma once
#include "evaluate/task.h"
#include "text/tokenizer.h"

namespace latticelens {

struct TokenRequest {
  std::vector<TokenId> ids;
  std::int64_t context_tokens = 0; // the rest of the ids is the continuation
};

/// The requests of one item.
using TokenItem = std::vector<TokenRequest>;

struct TokenItems {
  std::vector<TokenItem> items;
  std::int64_t truncated = 0;     // requests whose context lost its beginning
  std::int64_t dropped_bytes = 0; // without a token in the vocabulary
};

struct EncodeOptions {
  bool begin_of_text = false; // put BOS before the context
  std::int64_t positions = 0; // longest input of the model, 0: any
};

/// The continuation's tokens are those that context + continuation has beyond the number of tokens
/// of the context alone; white space at the context's end belongs to the continuation. An input
/// (all but the last token) that is longer than `positions` loses tokens on the left. Errors: an
/// item without tokens, or with a continuation longer than the model's input.
TokenItems encode_items(const Tokenizer& tokenizer, const std::vector<Item>& items,
                        const EncodeOptions& options);

} // namespace latticelens
