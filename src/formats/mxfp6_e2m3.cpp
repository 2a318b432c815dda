// MXFP6 (OCP Microscaling v1.0) with E2M3 elements.
#include "formats/table.h"

namespace latticelens {

Format mxfp6_e2m3() {
  return {.name = "mxfp6-e2m3",
          .block = 32,
          .grid = {.mantissa_bits = 3, .minimum_exponent = 0, .maximum = 7.5},
          .rule = {.grid_exponent = 2}};
}

} // namespace latticelens
