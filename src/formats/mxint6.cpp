// MXINT6, as the block-rotation paper has it: sixteenths as integers.
#include "formats/table.h"

namespace latticelens {

Format mxint6() {
  return {.name = "mxint6",
          .block = 32,
          .grid = {.mantissa_bits = 4, .minimum_exponent = 4, .maximum = 31},
          .rule = {.grid_exponent = 4}};
}

} // namespace latticelens
