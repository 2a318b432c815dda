// MXINT4, as the block-rotation paper has it: quarters as integers.
#include "formats/table.h"

namespace latticelens {

Format mxint4() {
  return {.name = "mxint4",
          .block = 32,
          .grid = {.mantissa_bits = 2, .minimum_exponent = 2, .maximum = 7},
          .rule = {.grid_exponent = 2}};
}

} // namespace latticelens
