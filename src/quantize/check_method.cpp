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
      check_transform(*spec, shape_of(*model.layout, stage.linears.front()).in);
}

/// Blocks of what is folded into the weights.
void check_widths(const Method& method, const Config& config) {
  if (method.permutation)
    check_permutation(*method.permutation, config.hidden);
  if (const TransformSpec* spec = transform_at(method, Site::residual))
    check_transform(*spec, config.hidden);
  for (const Site site : {Site::value_output, Site::query_key})
    if (const TransformSpec* spec = transform_at(method, site))
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

/// "NAME:BLOCK" with the largest block that divides a head and that formats can have; else a format
/// whose block is the whole head.
std::string that_divides(const Format& format, std::int64_t head_dimension) {
  constexpr std::int64_t smallest = 8;                         // parse_format's
  const std::int64_t block = head_dimension & -head_dimension; // its largest power of two
  const std::string name = format.name.substr(0, format.name.find_first_of(":/"));
  return block < smallest ? "int8, whose rows are whole heads"
                          : name + ":" + std::to_string(block) + ", or int8";
}

} // namespace

void check_kv(const Method& method, const Config& config) {
  const std::int64_t width = config.head_dimension;
  if (!method.kv || method.kv->block == 0 || width % method.kv->block == 0)
    return;
  throw Error("method", "kv=" + method.kv->name + ": blocks of " +
                            std::to_string(method.kv->block) +
                            " do not divide the head dimension " + std::to_string(width) +
                            "; write for example kv=" + that_divides(*method.kv, width));
}

void check_method(const Method& method, const Model& model) {
  make_rotations(method.transforms, model.config, /*seed=*/0);
  check_sites(method, model);
  check_widths(method, model.config);
  check_kv(method, model.config);
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
