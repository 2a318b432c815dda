// Gradients of functions that LibTorch does not know: kernels of our own, quantizers.
#pragma once
#include "tensor/tensor.h"
#include <functional>
#include <initializer_list>
#include <vector>

namespace latticelens {

/// Whether a result of these is to be differentiated; undefined tensors are none.
bool wants_gradient(std::initializer_list<Tensor> inputs);

/// From the gradient of a value to those of its inputs, in their order; undefined where none is
/// asked for.
using Backward = std::function<std::vector<Tensor>(const Tensor& gradient)>;

/// `value`, a function of `inputs` that was computed without them being watched, with this
/// gradient. What `backward` holds is freed once it has run.
Tensor with_gradient(const Tensor& value, const std::vector<Tensor>& inputs, Backward backward);

/// The value of one tensor with the gradient of another: what a quantizer makes of x, as if it had
/// left x alone (Bengio 2013, straight-through).
Tensor straight_through(const Tensor& value, const Tensor& x);

} // namespace latticelens
