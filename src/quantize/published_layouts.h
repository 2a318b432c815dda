// Layouts of quantized folders that other programs load: those of compressed-tensors, and which
// formats they hold (quantization-peers.md §6.1, §6.2).
#pragma once
#include "core/json.h"
#include "formats/packing.h"
#include <optional>

namespace latticelens {

struct PublishedLayout {
  const char* name; // "mxfp4-pack-quantized"
  const char* help;
  const Packing& (*packing)();
  /// Whether it holds weights of this format, and inputs of that one (null: unquantized).
  bool (*holds)(const Format& weight, const Format* activation);
};

/// Every layout there is.
const std::vector<PublishedLayout>& published_layouts();

/// The one for these formats; null when there is none.
const PublishedLayout* published_layout(const Format& weight,
                                        const std::optional<Format>& activation);

/// config_groups.group_0.weights and .input_activations: what a runtime's quantizers need to know.
Json weight_arguments(const Format& format);
Json activation_arguments(const Format& format);

/// The format that such arguments stand for. Activations get the scale rule of compressed-tensors'
/// own quantizers. Errors, naming `where`: arguments that no format here has, with those known.
Format weight_format(const Json& arguments, const std::string& where);
Format activation_format(const Json& arguments, const std::string& where);

} // namespace latticelens
