// Folders of FP-Quant in transformers: MXFP4 weights and inputs behind one Hadamard rotation of a
// group size at every linear (quantization-peers.md §6.5).
#include "core/error.h"
#include "core/words.h"
#include "quantize/fp_quant_tensors.h"
#include "quantize/packed_form.h"
#include "transforms/hadamard_matrix.h"
#include <ATen/ATen.h>
#include <cmath>

namespace latticelens {
namespace {

constexpr std::int64_t group_sizes[] = {32, 64, 128}; // that its kernels know
constexpr std::int64_t smallest_group = 32;

[[noreturn]] void refuse(const OpenedModel& opened, const std::string& reason) {
  throw Error("export", opened.model.path.string() + ": " + reason);
}

/// The one rotation of every input; 0: none.
std::int64_t group_size(const OpenedModel& opened) {
  if (opened.activations.down_input)
    refuse(opened, "its method rotates the input of the MLP's last linear alone, FP-Quant all or "
                   "none; write the form compressed-tensors, which has a place for it, or quantize "
                   "with rotate=hadamard:32@inputs");
  const TransformSpec* everywhere = transform_at(opened.settings, Site::inputs);
  if (!everywhere && !has_input_transforms(opened.settings))
    return 0;
  const bool known = everywhere && everywhere->kind == "hadamard" &&
                     std::ranges::find(group_sizes, everywhere->size) != std::end(group_sizes);
  if (!known)
    refuse(opened, "its method gives inputs other matrices than Hadamard's of 32, 64 or 128, which "
                   "FP-Quant has no place for; write the form plain, which folds them back, or "
                   "quantize with rotate=hadamard:32@inputs");
  return everywhere->size;
}

PackedTarget choose(const OpenedModel& opened, const std::string& type) {
  require_separate_linears(opened);
  group_size(opened);
  PackedTarget target{parse_format(type.empty() ? stored_format(opened) : type), std::nullopt};
  if (target.weight.base_name() != "mxfp4")
    refuse(opened, "FP-Quant folders hold mxfp4 here, not " + target.weight.name +
                       "; write the form compressed-tensors");
  return target;
}

std::string part_name(const std::string& linear, const std::string& end) {
  return linear + (end == "_packed" ? ".qweight" : ".scales");
}

/// [size, size] in bf16, as the kernels multiply by it.
Tensor rotation(const InputBasis& basis) {
  if (!basis.transform)
    return at::eye(smallest_group, at::kBFloat16);
  const std::int64_t size = basis.transform->matrices().size(1);
  return fp_quant_rotation(size);
}

void add_beside(NamedTensors& tensors, const std::string& linear, const InputBasis& basis) {
  constexpr double of_inputs = 3; // their codes are of three times the values (method abs_max)
  tensors.emplace_back(linear + ".weight_global_scale", at::ones({1}, at::kBFloat16));
  tensors.emplace_back(linear + ".act_global_scale", at::full({1}, of_inputs, at::kBFloat16));
  tensors.emplace_back(linear + ".forward_hadamard_matrix", rotation(basis));
  tensors.emplace_back(linear + ".backward_hadamard_matrix", rotation(basis));
}

Json config_of(const OpenedModel& opened, const Method& method) {
  Json config = packed_config(opened.model, method, /*seed=*/0);
  config.erase("latticelens");
  const std::int64_t size = group_size(opened);
  Json kept = Json::array({opened.model.family->names.head});
  for (const LinearShape& linear : opened.model.layout->linears)
    if (!in_a_stage(*opened.model.layout, linear.name))
      kept.push_back(linear.name.substr(linear.name.rfind('.') + 1));
  config["quantization_config"] = {{"quant_method", "fp_quant"},
                                   {"forward_dtype", "mxfp4"},
                                   {"forward_method", "abs_max"},
                                   {"backward_dtype", "bf16"},
                                   {"hadamard_group_size", size > 0 ? size : smallest_group},
                                   {"transform_init", size > 0 ? "hadamard" : "identity"},
                                   {"modules_to_not_convert", kept},
                                   {"store_master_weights", false},
                                   {"pseudoquantization", false}};
  return config;
}

} // namespace

const PackedForm& fp_quant_form() {
  static const PackedForm form{"fp-quant", choose, part_name, add_beside, config_of};
  return form;
}

} // namespace latticelens
