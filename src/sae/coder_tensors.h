// Reading a coder's tensors out of safetensors files that anyone may have written.
#pragma once
#include "tensor/safetensors.h"
#include <initializer_list>

namespace latticelens {

/// A tensor of F32, BF16 or F16 as fp32 that does not view the file. Errors: absent, another dtype,
/// another shape.
Tensor stored_tensor(const SafetensorsFile& file, const std::string& name,
                     const std::vector<std::int64_t>& shape);

/// Error: the file has a tensor of another name; what it is for would be lost.
void require_only(const SafetensorsFile& file, std::initializer_list<const char*> names);

/// The sizes of a matrix by its header. Error: absent, or no matrix.
std::pair<std::int64_t, std::int64_t> matrix_sizes(const SafetensorsFile& file,
                                                   const std::string& name);

} // namespace latticelens
