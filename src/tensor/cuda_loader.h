// CUDA at run time: one program for machines with and without a GPU.
#pragma once
#include <string>

namespace latticelens {

/// Loads libtorch_cuda.so from LibTorch's folder when there is an NVIDIA driver. Call it before any
/// other ATen call. Returns an empty text when it loaded, else the reason it did not; later calls
/// return the same.
const std::string& load_cuda();

} // namespace latticelens
