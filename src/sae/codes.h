// What an autoencoder makes of a batch.
#pragma once
#include "tensor/tensor.h"

namespace latticelens {

/// Latents of a batch as lists, as long as the longest row's. A place that is not used has the
/// value 0, whatever its index.
struct Codes {
  Tensor indices; // [B, k] int64
  Tensor values;  // [B, k] fp32, none negative
};

} // namespace latticelens
