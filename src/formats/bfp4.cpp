// BFP4 of the block-rotation paper: E2M1 in blocks with an fp16 scale.
#include "formats/table.h"

namespace latticelens {

Format bfp4() {
  return {.name = "bfp4",
          .block = 32,
          .grid = {.mantissa_bits = 1, .minimum_exponent = 0, .maximum = 6},
          .rule = {.scale_grid = fp16_scales}};
}

} // namespace latticelens
