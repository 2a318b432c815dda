#include "tensor/cuda_loader.h"

#include <ATen/Context.h>
#include <dlfcn.h>
#include <gtest/gtest.h>

namespace latticelens {
namespace {

TEST(CudaLoader, loads_or_says_why_not_and_says_it_again) {
  const std::string& reason = load_cuda();
  EXPECT_EQ(&reason, &load_cuda());
  if (!::dlopen("libcuda.so.1", RTLD_NOW | RTLD_LOCAL)) {
    EXPECT_EQ(reason, "no NVIDIA driver (libcuda.so.1)");
  }
  EXPECT_EQ(at::hasCUDA(), reason.empty()) << reason;
}

} // namespace
} // namespace latticelens
