// INT4 as QuaRot and SpinQuant use it: weights symmetric with a scale a row, activations with a
// zero point a token.
#include "formats/table.h"

namespace latticelens {

Format int4() {
  return {.name = "int4",
          .block = 0,
          .grid = {.mantissa_bits = 2, .minimum_exponent = 2, .maximum = 7},
          .rule = {.scale_grid = fp32_scales},
          .asymmetric_activations = true};
}

} // namespace latticelens
