#include "tensor/cuda_loader.h"

#include <c10/core/CPUAllocator.h>
#include <dlfcn.h>
#include <filesystem>

namespace latticelens {
namespace {

std::string try_to_load() {
  if (!::dlopen("libcuda.so.1", RTLD_NOW | RTLD_LOCAL))
    return "no NVIDIA driver (libcuda.so.1)";
  Dl_info info; // of a symbol in libc10.so, which lies beside libtorch_cuda.so
  if (!::dladdr(reinterpret_cast<void*>(&c10::GetDefaultCPUAllocator), &info) || !info.dli_fname)
    return "LibTorch's folder cannot be found";
  const std::filesystem::path folder = std::filesystem::path(info.dli_fname).parent_path();
  // Global: its kernels register with the dispatcher of the libtorch_cpu that is already loaded.
  if (::dlopen((folder / "libtorch_cuda.so").c_str(), RTLD_NOW | RTLD_GLOBAL))
    return {};
  const char* const reason = ::dlerror();
  return reason ? reason : "libtorch_cuda.so cannot be loaded";
}

} // namespace

const std::string& load_cuda() {
  static const std::string reason = try_to_load();
  return reason;
}

} // namespace latticelens
