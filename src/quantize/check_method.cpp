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

/// Blocks of what is folded into the weights.
void check_widths(const Method& method, const Config& config) {
  if (method.permutation)
    check_permutation(*method.permutation, config.hidden);
  if (const TransformSpec* spec = transform_at(method, Site::residual))
    check_transform(*spec, config.hidden);
  if (const TransformSpec* spec = transform_at(method, Site::value_output))
    check_transform(*spec, config.head_dimension);
}

void check_sites(const Method& method, const Model& model) {
  const RotationSites& sites = model.layout->rotation;
  const auto check = [&](Site site, bool there) {
    const TransformSpec* spec = transform_at(method, site);
    require(!spec || there, "method",
            "rotate=" + (spec ? to_text(*spec) : "") + ": " + model.family->name +
                " models have no such site; leave it out");
  };
  check(Site::residual, !sites.norm_readers.empty() && !sites.residual_writers.empty());
  check(Site::value_output, !sites.values.empty() && !sites.value_reader.empty());
  check(Site::down_input, !sites.down.empty());
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
  check_sites(method, model);
  check_widths(method, model.config);
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
