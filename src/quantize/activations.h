// What is rotated and quantized while the model runs: the inputs of quantized linears, and the keys
// and values that a KV cache would hold.
#pragma once
#include "formats/packed_linear.h"
#include "model/model.h"
#include "quantize/rotations.h"
#include "transforms/block_matrix.h"

namespace latticelens {

/// Counts over everything a model's quantizers of activations, keys and values have seen. What
/// several sequences share (model/shared_rows.h) goes into the cache of each.
struct ActivationCounts {
  SnapCounts snap;
  std::int64_t values = 0;
};

/// What one input has of its own.
struct InputBasis {
  std::shared_ptr<const BlockMatrix> transform = nullptr; // or null
  /// [in] fp32, of the transformed input: quantized is what is left when it is subtracted, and it
  /// is added again; undefined: nothing.
  Tensor centre = {};
  /// The second scale of the quantizer, if its format has one from calibration.
  std::optional<float> second_scale = std::nullopt;
  bool any() const { return transform || centre.defined() || second_scale; }
};

struct ActivationSpec {
  std::shared_ptr<const Transform> down_input; // or null
  /// Of one block, by stage; a transform is there instead of the others.
  std::map<std::string, InputBasis> inputs = {};
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

/// The same for one stage.
void install_input(Block& block, const Stage& stage, const Layout& layout,
                   const ActivationSpec& spec);

/// What the stage's input goes through when it has this basis; null: nothing.
std::shared_ptr<const Transform> transform_of_input(const Stage& stage, const Layout& layout,
                                                    const ActivationSpec& spec,
                                                    const InputBasis& basis);

/// The same numbers without fp32 products, in the stages where that is exact: the input's format
/// and all weights are MXFP4. There the input function gives encoded rows and linears multiply
/// those.
void install_packed_products(Block& block, const Layout& layout, const ActivationSpec& spec);

/// The same with these weights, by the linears' names, in the stages that have all of theirs: the
/// block's own are not read.
using PackedMatrices = std::map<std::string, PackedMatrix>;
void install_packed_products(Block& block, const Layout& layout, const ActivationSpec& spec,
                             const PackedMatrices& packed);

} // namespace latticelens
