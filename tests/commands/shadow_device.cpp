#include "tests/commands/shadow_device.h"

#include <ATen/ATen.h>
#include <ATen/EmptyTensor.h>
#include <ATen/NativeFunctions.h>
#include <ATen/native/CPUFallback.h>
#include <c10/core/impl/VirtualGuardImpl.h>
#include <torch/library.h>

namespace latticelens::testing {

Device shadow_device() {
  return {at::kPrivateUse1, 0};
}

namespace {

class ShadowMemory : public c10::Allocator {
 public:
  c10::DataPtr allocate(std::size_t bytes) override {
    void* const memory = bytes ? std::malloc(bytes) : nullptr;
    return {memory, memory, &std::free, shadow_device()};
  }
  c10::DeleterFnPtr raw_deleter() const override { return &std::free; }
  void copy_data(void* to, const void* from, std::size_t bytes) const override {
    default_copy_data(to, from, bytes);
  }
};

ShadowMemory shadow_memory;
const c10::DispatchKeySet shadow_keys{c10::DispatchKey::PrivateUse1};

using Sizes = at::IntArrayRef;
using Type = std::optional<at::ScalarType>;

Tensor empty(Sizes sizes, Type type, std::optional<at::Layout>, std::optional<at::Device>,
             std::optional<bool>, std::optional<at::MemoryFormat> order) {
  return at::detail::empty_generic(sizes, &shadow_memory, shadow_keys, type.value_or(at::kFloat),
                                   order);
}

Tensor empty_strided(Sizes sizes, Sizes strides, Type type, std::optional<at::Layout>,
                     std::optional<at::Device>, std::optional<bool>) {
  return at::detail::empty_strided_generic(sizes, strides, &shadow_memory, shadow_keys,
                                           type.value_or(at::kFloat));
}

/// The same memory as a tensor of the processor.
Tensor seen_from_cpu(const Tensor& x) {
  return x.is_cpu()
             ? x
             : at::from_blob(x.data_ptr(), x.sizes(), x.strides(), x.options().device(at::kCPU));
}

Tensor copy_from(const Tensor& from, const Tensor& to, bool) {
  seen_from_cpu(to).copy_(seen_from_cpu(from));
  return to;
}

Tensor copy_and_resize(const Tensor& from, const Tensor& to) {
  if (to.sizes() != from.sizes())
    to.resize_(from.sizes());
  return copy_from(from, to, false);
}

at::Scalar number_of(const Tensor& x) {
  return seen_from_cpu(x).item();
}

void require_here(const Tensor& x, const c10::OperatorHandle& operation) {
  TORCH_CHECK(!x.defined() || x.dim() == 0 || !x.is_cpu(), c10::toString(operation.operator_name()),
              ": an operand of ", x.sizes(), " lies on the CPU, the others on a device");
}

void on_the_processor(const c10::OperatorHandle& operation, torch::jit::Stack* stack) {
  for (const c10::IValue& argument :
       torch::jit::last(*stack, operation.schema().arguments().size()))
    if (argument.isTensor())
      require_here(argument.toTensor(), operation);
    else if (argument.isTensorList())
      for (const Tensor& x : argument.toTensorVector())
        require_here(x, operation);
  at::native::cpu_fallback(operation, stack);
}

TORCH_LIBRARY_IMPL(_, PrivateUse1, library) {
  library.fallback(torch::CppFunction::makeFromBoxedFunction<&on_the_processor>());
}

TORCH_LIBRARY_IMPL(aten, PrivateUse1, library) {
  library.impl("empty.memory_format", &empty);
  library.impl("empty_strided", &empty_strided);
  library.impl("as_strided", at::native::as_strided_tensorimpl);
  library.impl("view", at::native::view);
  library.impl("_reshape_alias", at::native::_reshape_alias);
  library.impl("resize_", at::native::resize_);
  library.impl("_copy_from", &copy_from);
  library.impl("_copy_from_and_resize", &copy_and_resize);
  library.impl("_local_scalar_dense", &number_of);
}

C10_REGISTER_GUARD_IMPL(PrivateUse1, c10::impl::NoOpDeviceGuardImpl<c10::DeviceType::PrivateUse1>)

} // namespace
} // namespace latticelens::testing
