#include "core/random.h"

#include <xxhash.h>

namespace latticelens {

std::uint64_t derived_seed(std::uint64_t seed, std::string_view purpose) {
  return XXH3_64bits_withSeed(purpose.data(), purpose.size(), seed);
}

} // namespace latticelens
