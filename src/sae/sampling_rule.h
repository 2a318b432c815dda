// Which tokens of a document are read, and at which of them activations are taken.
#pragma once
#include "text/documents.h"
#include "text/tokenizer.h"
#include <string>
#include <vector>

namespace latticelens {

/// Tokens that the model reads together, BOS first if it has one, whose activation is not taken.
struct TextWindow {
  std::vector<TokenId> ids;
  std::int64_t document = 0; // its number
  std::int64_t taken() const { return std::ssize(ids) - first; }
  std::int64_t first = 1; // tokens at the start whose activations are left out
};

struct SampledText {
  std::vector<TextWindow> windows;
  std::int64_t documents = 0, left_out = 0; // all, and those that are too short for the rule
  std::int64_t dropped_bytes = 0;           // that the vocabulary has no token for
  std::int64_t taken() const;               // activations
};

/// "first:65": BOS and the first 64 tokens of documents that have as many (paper 001, section 3.1);
/// "all:256": everything, in windows of 256 tokens that each begin with BOS.
struct SamplingRule {
  bool first_only = true;
  std::int64_t length = 65; // of a window, BOS among them
};
/// Error: another word, a length below 2.
SamplingRule parse_sampling(const std::string& text);
std::string to_text(const SamplingRule& rule);

/// Error: no document is long enough.
SampledText sample(const std::vector<Document>& documents, const Tokenizer& tokenizer,
                   const SamplingRule& rule);

/// The parts that a corpus is cut into, by a hash of each document's text: 80 % to train on, 10 %
/// to choose by, 10 % to report.
enum class Part { training, validation, test };
Part part_of(const Document& document);
std::vector<Document> documents_of(const std::vector<Document>& all, Part part);

} // namespace latticelens
