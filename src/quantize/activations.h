// What is rotated and quantized while the model runs: the inputs of quantized linears, and the keys
// and values that a KV cache would hold.
#pragma once
#include "model/model.h"
#include "quantize/rotations.h"

namespace latticelens {

/// Counts over everything a model's quantizers of activations, keys and values have seen. What
/// several sequences share (model/shared_rows.h) goes into the cache of each.
struct ActivationCounts {
  SnapCounts snap;
  std::int64_t values = 0;
};

struct ActivationSpec {
  std::shared_ptr<const Transform> down_input; // or null
  /// Of one block: by stage, the transform that its input has of its own, instead.
  std::map<std::string, std::shared_ptr<const Transform>> inputs = {};
  std::optional<Format> format; // of the inputs
  std::shared_ptr<const Transform> query_key = nullptr;
  std::optional<Format> kv = std::nullopt; // of keys and values, for each token and head
  std::shared_ptr<ActivationCounts> counts = std::make_shared<ActivationCounts>();
};

/// What a method asks for, with these rotations.
ActivationSpec activations_of(const Method& method, const Rotations& rotations);

/// Sets the block's input functions (every stage's quantizer, and the rotation at the inputs that
/// the layout names) and those of its heads. Differentiable, quantizers straight through.
void install_activations(Block& block, const Layout& layout, const ActivationSpec& spec);

/// The same for one stage whose input has a transform of its own.
void install_input_transform(Block& block, const std::string& stage,
                             const std::shared_ptr<const Transform>& transform,
                             const ActivationSpec& spec);

/// The same numbers without fp32 products, in the stages where that is exact: the input's format
/// and all weights are MXFP4. There the input function gives encoded rows and linears multiply
/// those.
void install_packed_products(Block& block, const Layout& layout, const ActivationSpec& spec);

} // namespace latticelens
