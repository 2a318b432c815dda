// MXFP4 (OCP Microscaling v1.0): E2M1 elements, blocks of 32, E8M0 scales.
#include "formats/table.h"

namespace latticelens {

Format mxfp4() {
  return {.name = "mxfp4",
          .block = 32,
          .grid = {.mantissa_bits = 1, .minimum_exponent = 0, .maximum = 6},
          .rule = {.grid_exponent = 2}};
}

} // namespace latticelens
