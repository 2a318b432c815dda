#include "model/decoding.h"

#include "core/error.h"
#include <ATen/ATen.h>

namespace latticelens {

Decoding::Decoding(const Model& model, std::int64_t capacity,
                   const std::function<void()>& each_block)
    : model_(model), cache_(model.config, capacity),
      rope_(make_rope(model.config, capacity, model.device)), embedding_(load_embedding(model)),
      norm_(load_final_norm(model)), head_(load_head(model)) {
  require(!is_long(model.config, capacity), "model",
          model.path.string() + ": texts of " + std::to_string(capacity) +
              " tokens have a rotary table of their own; ask for fewer tokens");
  for (std::int64_t layer = 0; layer < model.config.layers; ++layer) {
    blocks_.push_back(load_block_to_run(model, layer));
    if (each_block)
      each_block();
  }
}

Tensor Decoding::read(const Tensor& ids) {
  cache_.require_room(ids.numel());
  rope_.cache = &cache_;
  Tensor x = embed(embedding_, ids, model_.config);
  for (const Block& block : blocks_)
    x = run_block(model_, block, rope_, x);
  cache_.finish(x.size(1));
  const Tensor last = x.slice(1, x.size(1) - 1);
  return head_(norm_(last, model_.config.norm_epsilon)).flatten().cpu();
}

void Decoding::restart() {
  cache_ = KeyValueCache(model_.config, cache_.capacity());
}

} // namespace latticelens
