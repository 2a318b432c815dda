// INT8: weights symmetric with a scale a row, activations with a zero point a token.
#include "formats/table.h"

namespace latticelens {

Format int8() {
  return {.name = "int8",
          .block = 0,
          .grid = {.mantissa_bits = 6, .minimum_exponent = 6, .maximum = 127},
          .rule = {.scale_grid = fp32_scales},
          .asymmetric_activations = true};
}

} // namespace latticelens
