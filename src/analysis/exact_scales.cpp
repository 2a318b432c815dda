#include "analysis/exact_scales.h"

namespace latticelens {

std::optional<Format> with_exact_scales(const Format& format) {
  const std::string block = ":" + std::to_string(format.block);
  if (format.name.starts_with("mxfp4"))
    return parse_format("bfp4" + block);
  if (format.name.starts_with("mxint4"))
    return parse_format("bint4" + block);
  return std::nullopt;
}

} // namespace latticelens
