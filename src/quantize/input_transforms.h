// Transforms of every linear's input: chosen stage by stage during calibration, stored beside the
// weights that read them.
#pragma once
#include "quantize/activations.h"
#include "quantize/calibration.h"
#include "quantize/shards.h"
#include "transforms/block_matrix.h"

namespace latticelens {

/// By stage name.
using InputTransforms = std::map<std::string, std::shared_ptr<const BlockMatrix>>;

/// Chooses a stage's transform from what its input and weights are in this walk.
std::shared_ptr<const BlockMatrix> choose_input_transform(const Walk& walk, std::size_t stage,
                                                          const TransformSpec& spec,
                                                          const Importance* importance = nullptr);

/// Brings the block's weights of that stage into the new basis, and its input.
void apply_input_transform(Block& block, const Stage& stage,
                           const std::shared_ptr<const BlockMatrix>& transform,
                           const ActivationSpec& activations);

/// NAME.input_transform [blocks, size, size] fp32, NAME the block's prefix and the stage's.
void add_input_transform(NamedTensors& tensors, const std::string& name,
                         const BlockMatrix& transform);
/// The stored transforms of a block; none when its method has none. Errors: one that is missing or
/// does not fit.
InputTransforms load_input_transforms(const Model& model, const Method& method, std::int64_t layer,
                                      const std::function<Tensor(const std::string&)>& load);

} // namespace latticelens
