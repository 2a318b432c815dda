// What the inputs of quantized linears go through: the online rotation, then the activation
// quantizer.
#pragma once
#include "model/model.h"
#include "quantize/method.h"

namespace latticelens {

/// Counts over everything a model's activation quantizers have seen.
struct ActivationCounts {
  SnapCounts snap;
  std::int64_t values = 0;
};

struct ActivationSpec {
  std::shared_ptr<const Transform> down_input; // or null
  /// Of one block: by stage, the transform that its input has of its own, instead.
  std::map<std::string, std::shared_ptr<const Transform>> inputs = {};
  std::optional<Format> format;
  std::shared_ptr<ActivationCounts> counts = std::make_shared<ActivationCounts>();
};

/// Sets the block's input functions: every stage's quantizer, and the rotation at the inputs that
/// the layout names. Differentiable, quantizers straight through.
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
