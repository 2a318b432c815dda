// Documents packed into windows of tokens, and the windows of each step.
#pragma once
#include "tensor/tensor.h"
#include "text/documents.h"
#include "text/tokenizer.h"

namespace latticelens {

/// The ids of all documents one after the other, BOS before each.
std::vector<TokenId> packed_ids(const Tokenizer& tokenizer, const std::vector<Document>& documents);

/// Windows of `length` tokens in passes, each in another order that the seed draws.
class ShuffledWindows {
 public:
  /// What does not fill a window at the end is left out. Error: fewer tokens than a window.
  ShuffledWindows(const std::vector<TokenId>& ids, std::int64_t length, std::uint64_t seed);

  std::int64_t count() const { return static_cast<std::int64_t>(windows_.size()); }
  /// `count` windows from the draw-th on: [count, length].
  Tensor draw(std::int64_t draw, std::int64_t count);

 private:
  std::int64_t place(std::int64_t draw);
  std::vector<Tensor> windows_;
  std::uint64_t seed_;
  std::int64_t pass_ = -1;          // whose order is at hand
  std::vector<std::int64_t> order_; // of it
};

} // namespace latticelens
