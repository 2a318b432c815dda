#include "model/key_value_cache.h"

#include "core/error.h"
#include <ATen/ATen.h>

namespace latticelens {

KeyValueCache::KeyValueCache(const Config& config, std::int64_t capacity)
    : capacity_(capacity), keys_(config.layers), values_(config.layers) {}

void KeyValueCache::require_room(std::int64_t fresh) const {
  require(tokens_ + fresh <= capacity_, "model",
          "the text has more than the " + std::to_string(capacity_) +
              " tokens that room was made for; make a larger cache");
}

std::pair<Tensor, Tensor> KeyValueCache::append(std::int64_t layer, const Tensor& keys,
                                                const Tensor& values) {
  const std::int64_t after = tokens_ + keys.size(2);
  const auto put = [&](Tensor& all, const Tensor& fresh) {
    if (!all.defined())
      all = at::empty({1, fresh.size(1), capacity_, fresh.size(3)}, fresh.options());
    all.slice(2, tokens_, after).copy_(fresh);
    return all.slice(2, 0, after);
  };
  return {put(keys_[layer], keys), put(values_[layer], values)};
}

} // namespace latticelens
