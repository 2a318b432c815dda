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

void check_size(const TransformSpec& spec, const LinearShape& shape) {
  require(spec.size == 0 || shape.in % spec.size == 0, "method",
          "rotate=" + to_text(spec) + ": blocks of " + std::to_string(spec.size) +
              " do not divide the " + std::to_string(shape.in) + " inputs of " + shape.name);
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
  for (const Stage& stage : model.layout->stages)
    require(!stage.everywhere || method.target == Target::quantized, "method",
            "target=original: the quantized model may send a token to other experts than the "
            "original; write target=quantized for a mixture of experts");
  for (const LinearShape& shape : model.layout->linears) {
    if (!in_a_stage(*model.layout, shape.name))
      continue;
    check_block(method.weight, "weight", shape);
    check_rounding(method, shape);
    if (const TransformSpec* spec = input_transform(method))
      check_size(*spec, shape);
    if (method.activation)
      check_block(*method.activation, "activation", shape);
  }
}

} // namespace latticelens
