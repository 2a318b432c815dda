// Where a model ends: the final norm, the head and the loss, in whatever basis the stream is.
#pragma once
#include "model/head_loss.h"
#include "model/model.h"
#include "transforms/transform.h"

namespace latticelens {

/// What a model is to be good at: the text's next tokens, or the original's predictions of them.
enum class TextLoss { cross_entropy, divergence };

struct EndGradient {
  double loss;
  Tensor of_stream;
  /// Of the normed stream in its basis, and that: what a basis factor of the head is made of.
  /// Undefined without a residual rotation.
  Tensor of_normed, normed;
};

class ModelEnd {
 public:
  ModelEnd(const Model& model, TextLoss loss);

  /// stream [n, t, d] after the last block, in the basis of `residual` (null: its own); ids [n, t].
  /// The head stays as it is, the normed stream is turned back instead.
  EndGradient at(const Tensor& stream, const Transform* residual, const Tensor& ids) const;

 private:
  LossGradient head_loss(const Tensor& hidden, const Tensor& ids) const;

  const Model& model_;
  TextLoss loss_;
  Norm norm_;
  HeadLoss head_;
};

/// The embedded ids [n, t] in the basis of `residual`: the stream [n, t, d] before the first block.
Tensor embedded(const Tensor& table, const Tensor& ids, const Transform* residual,
                const Config& config);

} // namespace latticelens
