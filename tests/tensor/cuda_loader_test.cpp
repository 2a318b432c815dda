#include "tensor/cuda_loader.h"

#include <ATen/Context.h>
#include <dlfcn.h>
#include <gtest/gtest.h>

namespace latticelens {
namespace {

// ATen asks once whether there is CUDA, so it is loaded before any test: on a machine with a GPU
// this test failed after others and passed alone.
const std::string& first_answer = load_cuda();

TEST(CudaLoader, loads_or_says_why_not_and_says_it_again) {
  const std::string& reason = load_cuda();
  EXPECT_EQ(&reason, &first_answer);
  if (!::dlopen("libcuda.so.1", RTLD_NOW | RTLD_LOCAL)) {
    EXPECT_EQ(reason, "no NVIDIA driver (libcuda.so.1)");
  }
  EXPECT_EQ(at::hasCUDA(), reason.empty()) << reason;
}

} // namespace
} // namespace latticelens
