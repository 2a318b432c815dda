#include "quantize/check_method.h"

#include "core/error.h"
#include "quantize/rotations.h"
#include "rounding/lattice_problem.h"

namespace latticelens {
namespace {

void check_block(const Format& format, const char* what, const LinearShape& shape) {
  require(format.block == 0 || shape.in % format.block == 0, "method",
          std::string(what) + "=" + format.name + ": blocks of " + std::to_string(format.block) +
              " do not divide the " + std::to_string(shape.in) + " inputs of " + shape.name +
              "; choose a format with a smaller block");
}

/// The transforms that inputs have of their own.
void check_inputs(const Method& method, const Model& model) {
  for (const Stage& stage : model.layout->stages)
    if (const TransformSpec* spec = input_transform(method, *model.layout, stage.name))
      for (const LinearShape& shape : model.layout->linears)
        if (shape.name == stage.linears.front())
          check_transform(*spec, shape.in);
}

void check_rounding(const Method& method, const LinearShape& shape) {
  Format format = method.weight;
  format.block = format.block > 0 ? format.block : shape.in;
  if (const auto check = rounding_row(method.rounding.name).check)
    check(format, shape.in);
  if (rounding_row(method.rounding.name).uses_moments)
    scales_are_fixed(format, method.scales);
}

} // namespace

void check_method(const Method& method, const Model& model) {
  make_rotations(method.transforms, model.config, /*seed=*/0);
  require(!method.permutation || method.permutation->size == 0 ||
              model.config.hidden % method.permutation->size == 0,
          "method",
          "permute=" + to_text(*method.permutation) + ": its blocks do not divide the width " +
              std::to_string(model.config.hidden));
  if (const TransformSpec* spec = transform_at(method, Site::residual))
    check_transform(*spec, model.config.hidden);
  if (const TransformSpec* spec = transform_at(method, Site::value_output))
    check_transform(*spec, model.config.head_dimension);
  check_inputs(method, model);
  for (const Stage& stage : model.layout->stages)
    require(!stage.everywhere || method.target == Target::quantized, "method",
            "target=original: the quantized model may send a token to other experts than the "
            "original; write target=quantized for a mixture of experts");
  for (const LinearShape& shape : model.layout->linears) {
    if (!in_a_stage(*model.layout, shape.name))
      continue;
    check_block(method.weight, "weight", shape);
    check_rounding(method, shape);
    if (method.activation)
      check_block(*method.activation, "activation", shape);
  }
}

} // namespace latticelens
