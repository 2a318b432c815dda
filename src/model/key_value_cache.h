// Keys and values of the tokens before, so that a new token costs one row of every product.
#pragma once
#include "model/config.h"
#include "tensor/tensor.h"
#include <cstdint>
#include <utility>
#include <vector>

namespace latticelens {

class KeyValueCache {
 public:
  /// Room for one sequence of at most `capacity` tokens; memory is taken when a layer is reached.
  KeyValueCache(const Config& config, std::int64_t capacity);

  /// Tokens that every layer holds.
  std::int64_t tokens() const { return tokens_; }
  std::int64_t capacity() const { return capacity_; }
  /// Error: no room for so many tokens more.
  void require_room(std::int64_t fresh) const;
  /// Puts keys and values [1, shared heads, t, d] behind those of the layer; all of them, views
  /// [1, shared heads, tokens() + t, d].
  std::pair<Tensor, Tensor> append(std::int64_t layer, const Tensor& keys, const Tensor& values);
  /// The tokens just appended belong to the past: to be called once all layers have seen them.
  void finish(std::int64_t appended) { tokens_ += appended; }

 private:
  std::int64_t capacity_, tokens_ = 0;
  std::vector<Tensor> keys_, values_; // by layer, [1, shared heads, capacity, d]
};

} // namespace latticelens
