// MXFP8 (OCP Microscaling v1.0) with E4M3 elements.
#include "formats/table.h"

namespace latticelens {

Format mxfp8_e4m3() {
  return {.name = "mxfp8-e4m3",
          .block = 32,
          .grid = {.mantissa_bits = 3, .minimum_exponent = -6, .maximum = 448},
          .rule = {.grid_exponent = 8}};
}

} // namespace latticelens
