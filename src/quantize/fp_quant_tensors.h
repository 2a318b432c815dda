// Reading folders of FP-Quant: their tensors under the names of this program's own folders.
#pragma once
#include "model/model.h"
#include "quantize/method.h"

namespace latticelens {

/// The rotation of a group size as the folders store it: [size, size] in bf16.
Tensor fp_quant_rotation(std::int64_t size);

/// What made the folder, as far as it says: mxfp4 weights and the rotation of inputs. How its
/// kernels quantize inputs is no format here: the method has none. Errors: settings that are not
/// supported.
Method fp_quant_method(const Json& quantization, const std::string& where);

/// NAME.weight_packed and .weight_scale of its linears, or NAME.weight where their factor is not 1
/// or the folder holds values; STAGE.input_transform where the inputs are rotated. Error, on
/// loading: another matrix than Hadamard's or the identity.
std::shared_ptr<const TensorSource> fp_quant_tensors(const Model& model, std::int64_t group_size);

} // namespace latticelens
