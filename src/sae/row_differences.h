// Differences of two batches and their squares in one pass over memory.
#pragma once
#include "tensor/tensor.h"

namespace latticelens {

struct RowDifferences {
  Tensor scaled;     // factor (x - y) [B, d]
  double square = 0; // Σ (x - y)², summed by rows in their order
};

/// x [B, d]; y [B, d], or [d] for all rows; contiguous fp32. The same bytes at any thread count.
RowDifferences row_differences(const Tensor& x, const Tensor& y, float factor);

} // namespace latticelens
