#include "kernels/block_codes.h"

#include <algorithm>
#include <cmath>

namespace latticelens::reference {

void extreme_values(std::span<const float> x, std::span<float> extremes) {
  std::fill(extremes.begin(), extremes.end(), 0.0f);
  for (std::size_t i = 0; i < x.size(); ++i)
    if (float& extreme = extremes[i / code_block]; std::fabs(x[i]) > std::fabs(extreme))
      extreme = x[i];
}

void rounded_codes(std::span<const float> x, std::span<const float> factors,
                   std::span<std::int8_t> codes) {
  for (std::size_t i = 0; i < x.size(); ++i)
    codes[i] = static_cast<std::int8_t>(std::round(x[i] * factors[i / code_block]));
}

void offset_codes(std::span<const float> x, std::span<const float> factors, float offset, int most,
                  std::span<std::uint8_t> codes) {
  for (std::size_t i = 0; i < x.size(); ++i) {
    const float product = x[i] * factors[i / code_block];
    codes[i] = static_cast<std::uint8_t>(std::clamp(static_cast<int>(product + offset), 0, most));
  }
}

void magnitude_codes(std::span<const float> x, std::span<const float> scales,
                     std::span<const float, 7> ends, std::span<std::uint8_t> codes) {
  for (std::size_t i = 0; i < x.size(); ++i) {
    int code = 0;
    for (const float end : ends)
      code += std::fabs(x[i]) > end * scales[i / code_block];
    codes[i] = static_cast<std::uint8_t>(code > 0 && x[i] < 0 ? code + 8 : code);
  }
}

} // namespace latticelens::reference
