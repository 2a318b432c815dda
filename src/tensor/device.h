// Where tensors lie: the processor, whose kernels are ours, or a GPU, where LibTorch's operations
// compute the same.
#pragma once
#include "tensor/tensor.h"
#include <string>

namespace latticelens {

using Device = at::Device;

/// "cpu", "cuda" or "cuda:1". Errors: another word, no such GPU; why, and what to do.
Device parse_device(const std::string& text);

/// Whether our kernels can read it.
inline bool has_kernels(const Tensor& x) {
  return x.device().is_cpu();
}

/// A tensor that is made once and needed wherever its operands lie: copied to a device when it is
/// first asked for there. Not for two threads at once.
class Constant {
 public:
  Constant() = default;
  explicit Constant(Tensor value) : value_(std::move(value)) {}

  bool defined() const { return value_.defined(); }
  const Tensor& value() const { return value_; }
  /// On the device of x.
  const Tensor& beside(const Tensor& x) const;

 private:
  Tensor value_;
  mutable Tensor copy_; // on the last device that was asked for
};

} // namespace latticelens
