// A tokenizer put together from the parts that a tokenizer.json (or GGUF metadata) describes.
#pragma once
#include "text/added_tokens.h"
#include "text/bpe_model.h"
#include "text/decoder.h"
#include "text/normalizer.h"
#include "text/pre_tokenizer.h"
#include <memory>

namespace latticelens {

struct BpeParts {
  Normalizer normalizer;
  PreTokenizer pre_tokenizer;
  BpeModel model;
  Decoder decoder;
  std::vector<AddedToken> added;
  std::optional<TokenId> begin_of_text;
  bool adds_begin_of_text = false;
  std::string json; // the tokenizer.json that says the same
};

std::unique_ptr<Tokenizer> make_bpe_tokenizer(BpeParts parts);

} // namespace latticelens
