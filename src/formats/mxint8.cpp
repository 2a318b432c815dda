// MXINT8 (OCP Microscaling v1.0) without -128: sixty-fourths as integers.
#include "formats/table.h"

namespace latticelens {

Format mxint8() {
  return {.name = "mxint8",
          .block = 32,
          .grid = {.mantissa_bits = 6, .minimum_exponent = 6, .maximum = 127},
          .rule = {.grid_exponent = 6}};
}

} // namespace latticelens
