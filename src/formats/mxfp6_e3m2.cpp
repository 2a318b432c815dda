// MXFP6 (OCP Microscaling v1.0) with E3M2 elements.
#include "formats/table.h"

namespace latticelens {

Format mxfp6_e3m2() {
  return {.name = "mxfp6-e3m2",
          .block = 32,
          .grid = {.mantissa_bits = 2, .minimum_exponent = -2, .maximum = 28},
          .rule = {.grid_exponent = 4}};
}

} // namespace latticelens
