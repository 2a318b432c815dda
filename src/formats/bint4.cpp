// BINT4 of the block-rotation paper: integers in blocks with an fp16 scale.
#include "formats/table.h"

namespace latticelens {

Format bint4() {
  return {.name = "bint4",
          .block = 32,
          .grid = {.mantissa_bits = 2, .minimum_exponent = 2, .maximum = 7},
          .rule = {.scale_grid = fp16_scales}};
}

} // namespace latticelens
