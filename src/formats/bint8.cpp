// Integers of 8 bits in blocks with an fp16 scale: what GGUF's Q8_0 holds.
#include "formats/table.h"

namespace latticelens {

Format bint8() {
  return {.name = "bint8",
          .block = 32,
          .grid = {.mantissa_bits = 6, .minimum_exponent = 6, .maximum = 127},
          .rule = {.scale_grid = fp16_scales}};
}

} // namespace latticelens
