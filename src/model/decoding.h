// A model in memory that reads a text piece by piece and says what comes next.
#pragma once
#include "model/attention.h"
#include "model/key_value_cache.h"
#include "model/model.h"
#include "tensor/linear.h"

namespace latticelens {

class Decoding {
 public:
  /// Loads every block. Room for `capacity` tokens; error: more than the model's short rotary table
  /// serves, for texts that have one of their own beyond it.
  /// `each_block` is called after each.
  Decoding(const Model& model, std::int64_t capacity, const std::function<void()>& each_block = {});

  /// Reads ids [t], at least one, behind those before; the logits [vocabulary], on the CPU, of what
  /// comes next.
  Tensor read(const Tensor& ids);
  /// Forgets the text.
  void restart();
  std::int64_t tokens() const { return cache_.tokens(); }
  const std::vector<Block>& blocks() const { return blocks_; }

 private:
  const Model& model_;
  KeyValueCache cache_;
  Rope rope_;
  Tensor embedding_;
  std::vector<Block> blocks_;
  Norm norm_;
  Linear head_;
};

} // namespace latticelens
