#include "analysis/setting.h"

#include "transforms/hadamard_matrix.h"
#include "transforms/transform.h"

namespace latticelens {

const char* to_text(Rotation rotation) {
  return rotation == Rotation::none ? "none" : rotation == Rotation::full ? "full" : "block";
}

std::int64_t full_rotation_size(std::int64_t width) {
  for (std::int64_t parts = 1; parts < width; ++parts)
    if (width % parts == 0 && !hadamard_factors(width / parts).empty())
      return width / parts;
  return 1;
}

Tensor rotate(const Tensor& x, std::int64_t size, std::uint64_t seed) {
  if (size == 1)
    return x;
  return make_transform({.kind = "hadamard", .size = size}, {.width = x.size(-1), .seed = seed})
      ->apply(x);
}

} // namespace latticelens
