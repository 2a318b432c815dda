// NVFP4: E2M1 elements, blocks of 16, E4M3 scales, and a scale for the whole tensor that maps its
// largest magnitude to 448 * 6.
#include "formats/table.h"

namespace latticelens {

Format nvfp4() {
  return {.name = "nvfp4",
          .block = 16,
          .grid = {.mantissa_bits = 1, .minimum_exponent = 0, .maximum = 6},
          .rule = {.scale_grid = e4m3_scales, .tensor_maximum = 448, .tensor_scale = 0}};
}

} // namespace latticelens
