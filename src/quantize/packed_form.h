// Forms of packed Hugging Face folders: which formats they hold, and what they call things.
#pragma once
#include "quantize/packed_model.h"

namespace latticelens {

struct PackedTarget {
  Format weight;
  std::optional<Format> activation; // what the model quantizes its inputs to, if the form has it
};

struct PackedForm {
  const char* name;
  /// `type`: a format's name; empty: the format that the model's linears are stored in. Errors: the
  /// form does not hold it, there is nothing to choose it by, the model's inputs have what the form
  /// has no place for; all with the nearest alternative.
  PackedTarget (*choose)(const OpenedModel& opened, const std::string& type);
  /// The name of a part of a linear, which packings end with "_packed", "_scale" ...
  std::string (*part_name)(const std::string& linear, const std::string& end);
  /// What lies beside a linear's own parts.
  void (*add_beside)(NamedTensors& tensors, const std::string& linear, const InputBasis& basis);
  /// config.json. method: what the linears are in.
  Json (*config)(const OpenedModel& opened, const Method& method);
  /// Which of the quantized linears are packed, by their names in the block; null: all.
  bool (*packs)(const std::string& linear) = nullptr;
  /// What the form's own files make of a block's tensors; null: nothing.
  NamedTensors (*join)(NamedTensors block, const OpenedModel& opened,
                       const std::string& prefix) = nullptr;
};

const PackedForm& compressed_tensors_form();
const PackedForm& fp_quant_form();
const PackedForm& gpt_oss_form();

/// The name of the format that the linears are stored in; packs: as in PackedForm. Error: none that
/// a packed folder holds.
std::string stored_format(const OpenedModel& opened,
                          bool (*packs)(const std::string& linear) = nullptr);

/// What to do where no packed form holds the values: the end of an error.
inline constexpr const char* instead_of_packed =
    "; write the values themselves (the form plain), a GGUF file, or let export round them (export "
    "--type mxfp4)";

/// Error: the family's files join experts, which only the gpt-oss form writes packed.
void require_separate_linears(const OpenedModel& opened);

} // namespace latticelens
