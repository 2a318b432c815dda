// The only door to ATen for headers: `Tensor` by value. Sources include <ATen/ATen.h>.
#pragma once
#include <ATen/core/Tensor.h>

namespace latticelens {

using Tensor = at::Tensor;

} // namespace latticelens
