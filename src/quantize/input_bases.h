// What the input of every linear has of its own, chosen stage by stage during calibration and
// stored beside the weights that read it: a transform, what its quantizer takes for zero, and the
// quantizer's second scale.
#pragma once
#include "quantize/activations.h"
#include "quantize/calibration.h"
#include "quantize/folded_importance.h"
#include "quantize/method.h"
#include "quantize/shards.h"

namespace latticelens {

/// Chooses a stage's basis from what its input and weights are in this walk, whose block has the
/// input functions of `activations`. None of them: the method has none for that stage.
InputBasis choose_input_basis(const Walk& walk, std::size_t stage, const Method& method,
                              const ActivationSpec& activations,
                              const FoldedImportance& importance);

/// Brings the block's weights of that stage into the new basis, and its input.
void apply_input_basis(Block& block, const Stage& stage, const Layout& layout,
                       const InputBasis& basis, const ActivationSpec& activations);

/// NAME.input_transform [blocks, size, size] and NAME.input_centre [in], fp32, NAME the block's
/// prefix and the stage's; LINEAR.input_global_scale [1] of each linear of the stage, as
/// compressed-tensors has it.
void add_input_basis(NamedTensors& tensors, const std::string& prefix, const Stage& stage,
                     const InputBasis& basis);

/// The stored bases of a block, by stage name; none when its method has none. Errors: one that is
/// missing or does not fit.
std::map<std::string, InputBasis>
load_input_bases(const Model& model, const Method& method, std::int64_t layer,
                 const std::function<Tensor(const std::string&)>& load);

} // namespace latticelens
