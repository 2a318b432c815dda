// Folding changes of basis into a model's weights: the function of the model stays the same.
#pragma once
#include "model/model.h"
#include "quantize/method.h"

namespace latticelens {

/// Orthogonal matrices to take instead of drawn ones, at the sites that the method has: [blocks,
/// size, size] fp64 each.
struct LearnedRotations {
  Tensor residual;
  std::vector<Tensor> value_output; // of each layer
};

/// What differs from layer to layer.
struct LayerRotations {
  /// On [head_dimension], by key-value head; one serves all heads; empty: none.
  std::vector<std::shared_ptr<const Transform>> value_output;
};

/// The transforms of a method for one model, drawn from one seed or learned; null where the method
/// has none.
struct Rotations {
  std::shared_ptr<const Transform> residual; // on [hidden]
  std::vector<LayerRotations> layers;
  std::shared_ptr<const Transform> query_key;  // on [head_dimension], online, without signs
  std::shared_ptr<const Transform> down_input; // on [intermediate], online, without signs
  Tensor down_signs; // [intermediate], folded into the rows that produce the input
};

/// The transform of each head's rotated queries and keys; null: the method has none. Error: its
/// size does not divide the head dimension.
std::shared_ptr<const Transform> make_query_key_rotation(const std::vector<TransformSpec>& specs,
                                                         const Config& config);

/// What is drawn or learned; what calibration chooses stays null (quantize/choose_rotations.h).
Rotations make_rotations(const std::vector<TransformSpec>& specs, const Config& config,
                         std::uint64_t seed, const LearnedRotations* learned = nullptr);

/// Folds norm gains and biases (when the stream is rotated; layer norms become RMS norms) and all
/// rotations into one block; in fp64, unless the result is thrown away after a step of learning.
void fold_block(Block& block, const Rotations& rotations, const Model& model,
                c10::ScalarType precision = c10::kDouble);

/// The matrices outside the blocks, folded: a head of its own when the stream is rotated.
struct OuterWeights {
  Tensor embedding; // [vocabulary, hidden]
  Norm norm;
  Linear head; // [vocabulary, hidden]; the weight is undefined when tied to the embedding
};
OuterWeights fold_outer(const Model& model, const Rotations& rotations);

} // namespace latticelens
