#include "quantize/published_layouts.h"

#include "core/error.h"
#include "core/words.h"
#include <algorithm>

namespace latticelens {
namespace {

bool is_one_of(const Format& format, std::initializer_list<const char*> names) {
  return std::any_of(names.begin(), names.end(),
                     [&](const char* name) { return format.base_name() == name; });
}

bool is_microscaling(const Format& format) {
  return is_one_of(format, {"mxfp4", "mxfp6-e2m3", "mxfp8-e4m3"});
}

bool is_integer_row(const Format& format) {
  return is_one_of(format, {"int4", "int8"});
}

bool holds_microscaling(const Format& weight, const Format* activation, const char* name) {
  return is_one_of(weight, {name}) && (!activation || is_microscaling(*activation));
}

bool holds_mxfp4(const Format& weight, const Format* activation) {
  return holds_microscaling(weight, activation, "mxfp4");
}

bool holds_mxfp6(const Format& weight, const Format* activation) {
  return holds_microscaling(weight, activation, "mxfp6-e2m3");
}

bool holds_mxfp8(const Format& weight, const Format* activation) {
  return holds_microscaling(weight, activation, "mxfp8-e4m3");
}

bool holds_nvfp4(const Format& weight, const Format* activation) {
  return is_one_of(weight, {"nvfp4"}) &&
         (!activation || (is_one_of(*activation, {"nvfp4"}) && activation->has_calibrated_scale()));
}

bool holds_packed_integers(const Format& weight, const Format* activation) {
  const bool grouped = weight.name.starts_with("bint4") || weight.name.starts_with("bint8");
  return activation ? (grouped || is_one_of(weight, {"int4"})) && is_integer_row(*activation)
                    : grouped || is_integer_row(weight);
}

bool holds_integers(const Format& weight, const Format* activation) {
  return is_one_of(weight, {"int8"}) && activation && is_integer_row(*activation);
}

/// How runtimes name what a format is.
struct Arguments {
  std::int64_t bits = 0, group = 0; // 0: a row
  bool integer = false, tensor_scale = false;
  bool operator==(const Arguments&) const = default;
};

Arguments arguments_of(const Format& format) {
  return {format.code_bits(), format.block, is_uniform(format.grid),
          format.rule.tensor_maximum > 0};
}

Arguments read_arguments(const Json& json, const std::string& where) {
  return {member<std::int64_t>(json, "num_bits", where),
          member_or<std::int64_t>(json, "group_size", 0, where),
          member<std::string>(json, "type", where) == "int",
          member_or<std::string>(json, "strategy", "", where) == "tensor_group"};
}

/// A row is a channel of weights and a token of activations.
Json arguments_json(const Format& format, const char* row, bool symmetric) {
  const Arguments arguments = arguments_of(format);
  const ScaleType type = format.scale_type();
  return {{"actorder", nullptr},
          {"block_structure", nullptr},
          {"group_size", arguments.group > 0 ? Json(arguments.group) : Json(nullptr)},
          {"num_bits", arguments.bits},
          {"observer_kwargs", Json::object()},
          {"scale_dtype", type == ScaleType::e8m0   ? Json("torch.uint8")
                          : type == ScaleType::e4m3 ? Json("torch.float8_e4m3fn")
                                                    : Json(nullptr)},
          {"strategy", arguments.tensor_scale ? "tensor_group"
                       : arguments.group > 0  ? "group"
                                              : row},
          {"symmetric", symmetric},
          {"type", arguments.integer ? "int" : "float"},
          {"zp_dtype", nullptr}};
}

/// The first of `names` that has these arguments.
Format format_with(const Json& json, const std::vector<std::string>& names,
                   const std::string& where) {
  const Arguments wanted = read_arguments(json, where);
  for (const std::string& name : names) {
    const Format format = parse_format(name);
    const bool symmetric = member_or<bool>(json, "symmetric", true, where);
    const std::string strategy = member_or<std::string>(json, "strategy", "", where);
    const bool asymmetric = strategy == "token" && format.asymmetric_activations;
    if (arguments_of(format) == wanted && symmetric != asymmetric)
      return format;
  }
  throw Error("model", where + ": its quantization config asks for " + to_text(json) +
                           ", which is none of " + joined(names, ", ") +
                           "; not supported: let the program that wrote it dequantize it");
}

} // namespace

const std::vector<PublishedLayout>& published_layouts() {
  static const std::vector<PublishedLayout> table = {
      {"mxfp4-pack-quantized", "MXFP4 weights", grid_packing, holds_mxfp4},
      {"mxfp6-pack-quantized", "MXFP6 (E2M3) weights", grid_packing, holds_mxfp6},
      {"mxfp8-quantized", "MXFP8 (E4M3) weights", element_packing, holds_mxfp8},
      {"nvfp4-pack-quantized", "NVFP4 weights", nvfp4_packing, holds_nvfp4},
      {"pack-quantized",
       "integer weights: in blocks, or a scale a row (of 8 bits with unquantized inputs)",
       integer_packing, holds_packed_integers},
      {"int-quantized", "integer weights and inputs of 8 bits", element_packing, holds_integers},
  };
  return table;
}

const PublishedLayout* published_layout(const Format& weight,
                                        const std::optional<Format>& activation) {
  for (const PublishedLayout& layout : published_layouts())
    if (layout.holds(weight, activation ? &*activation : nullptr))
      return &layout;
  return nullptr;
}

Json weight_arguments(const Format& format) {
  Json json = arguments_json(format, "channel", true);
  json["dynamic"] = false;
  json["observer"] = "memoryless_minmax";
  return json;
}

Json activation_arguments(const Format& format) {
  Json json = arguments_json(format, "token", !format.asymmetric_activations);
  const bool calibrated = format.has_calibrated_scale();
  json["dynamic"] = calibrated ? Json("local") : Json(true);
  json["observer"] = calibrated ? Json("static_minmax") : Json(nullptr);
  return json;
}

Format weight_format(const Json& arguments, const std::string& where) {
  std::vector<std::string> names = {"mxfp4", "mxfp6-e2m3", "mxfp8-e4m3", "nvfp4", "int4", "int8"};
  const auto group = member_or<std::int64_t>(arguments, "group_size", 0, where);
  if (group >= 8 && group <= 65536 && (group & (group - 1)) == 0)
    for (const char* name : {"bint4:", "bint8:"})
      names.push_back(name + std::to_string(group));
  return format_with(arguments, names, where);
}

Format activation_format(const Json& arguments, const std::string& where) {
  return format_with(arguments,
                     {"mxfp4/even", "mxfp6-e2m3/even", "mxfp8-e4m3/1.75", "nvfp4", "int4", "int8"},
                     where);
}

} // namespace latticelens
