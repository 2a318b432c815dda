// One pass of the original model through the calibration text, for transforms that have to be known
// before the first block is quantized.
#pragma once
#include "quantize/request.h"

namespace latticelens {

/// Matrices that follow from the pass.
struct Survey {
  std::vector<Tensor> values; // by layer: [key-value heads * blocks, size, size] fp32, or empty
  Tensor residual;            // [1, hidden, hidden] fp64, or undefined
};

/// Whether a method has transforms that follow from a survey.
bool needs_survey(const Method& method);

/// Error: no calibration text.
Survey survey(const QuantizeRequest& request);

} // namespace latticelens
