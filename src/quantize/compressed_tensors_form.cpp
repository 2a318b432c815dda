// Folders of compressed-tensors (quantization-peers.md §6.1 to §6.3).
#include "core/error.h"
#include "formats/gguf_exact_blocks.h"
#include "quantize/packed_form.h"
#include "quantize/published_layouts.h"
#include "quantize/stored_types.h"
#include "tensor/gguf_codes.h"
#include <ATen/ATen.h>

namespace latticelens {
namespace {

PackedTarget choose(const OpenedModel& opened, const std::string& type) {
  require_separate_linears(opened);
  require(!has_input_transforms(opened.settings), "export",
          opened.model.path.string() +
              ": its method gives every input a matrix of its own, which compressed-tensors "
              "has no place for; write the form plain, which folds it back into the weights");
  PackedTarget target{parse_format(type.empty() ? stored_format(opened) : type), std::nullopt};
  require(published_layout(target.weight, std::nullopt), "export",
          "no layout of compressed-tensors holds " + target.weight.name +
              "; known: mxfp4, mxfp6-e2m3, mxfp8-e4m3, nvfp4, int4, int8, bint4:N, bint8:N");
  const bool around_mean = opened.settings.centred; // which the layouts have no place for
  if (opened.activations.format && !around_mean &&
      published_layout(target.weight, opened.activations.format))
    target.activation = opened.activations.format;
  return target;
}

std::string part_name(const std::string& linear, const std::string& end) {
  return linear + ".weight" + end;
}

void add_beside(NamedTensors& tensors, const std::string& linear, const InputBasis& basis) {
  if (basis.second_scale)
    tensors.emplace_back(linear + ".input_global_scale",
                         at::full({1}, *basis.second_scale, at::kFloat));
}

Json config_of(const OpenedModel& opened, const Method& method) {
  const Json made =
      member_or<Json>(opened.model.config.source, "latticelens", Json::object(), "config.json");
  Json config = packed_config(
      opened.model, method,
      static_cast<std::uint64_t>(member_or<std::int64_t>(made, "seed", 0, "config.json")));
  if (opened.quantized)
    config["latticelens"]["made_of"] = opened.method;
  else
    config.erase("latticelens");
  return config;
}

} // namespace

const PackedForm& compressed_tensors_form() {
  static const PackedForm form{"compressed-tensors", choose, part_name, add_beside, config_of};
  return form;
}

void require_separate_linears(const OpenedModel& opened) {
  require(!opened.model.family->joined, "export",
          opened.model.path.string() + ": " + opened.model.family->name +
              " folders join experts to one tensor, which this form does not have; write "
              "the form gpt-oss, or the form plain");
}

std::string stored_format(const OpenedModel& opened, bool (*packs)(const std::string& linear)) {
  if (opened.quantized && !opened.settings.weight.coded)
    return opened.settings.weight.name;
  const std::string type = opened.quantized ? std::string(opened.settings.weight.coded->name)
                                            : type_of_linears(opened.model, packs);
  const std::optional<Format> format = format_of_gguf_type(type);
  require(format.has_value(), "export",
          opened.model.path.string() + ": its linears are stored as " + type +
              ", which no packed folder holds" + instead_of_packed);
  return format->name;
}

} // namespace latticelens
