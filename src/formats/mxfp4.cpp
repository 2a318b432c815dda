#include "formats/mxfp4.h"

namespace latticelens {

Format mxfp4() {
  return {.name = "mxfp4",
          .block = 32,
          .grid = {.mantissa_bits = 1, .minimum_exponent = 0, .maximum = 6},
          .rule = {.grid_exponent = 2}};
}

} // namespace latticelens
