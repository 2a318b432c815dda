#include "learn/model_end.h"

#include <ATen/ATen.h>
#include <torch/csrc/autograd/autograd.h>

namespace latticelens {

ModelEnd::ModelEnd(const Model& model, TextLoss loss)
    : model_(model), loss_(loss), norm_(load_final_norm(model)), head_(load_head(model)) {}

LossGradient ModelEnd::head_loss(const Tensor& hidden, const Tensor& ids) const {
  if (loss_ == TextLoss::divergence)
    return head_.against(hidden, at::stack(run_decoder(model_, ids.unbind())));
  return head_.of(hidden, ids);
}

EndGradient ModelEnd::at(const Tensor& stream, const Transform* residual, const Tensor& ids) const {
  const double epsilon = model_.config.norm_epsilon;
  const Tensor x = stream.detach().requires_grad_();
  if (!residual) {
    const Tensor hidden = norm_(x, epsilon);
    const LossGradient loss = head_loss(hidden.detach(), ids);
    return {loss.loss, torch::autograd::grad({hidden}, {x}, {loss.gradient})[0], {}, {}};
  }
  const Tensor normed = Norm{.gain = at::ones_like(norm_.gain)}(x, epsilon);
  Tensor hidden = residual->invert(normed.detach()) * norm_.gain;
  if (norm_.bias.defined())
    hidden += norm_.bias;
  const LossGradient loss = head_loss(hidden, ids);
  const Tensor gradient = residual->apply(loss.gradient * norm_.gain);
  return {loss.loss, torch::autograd::grad({normed}, {x}, {gradient})[0], gradient,
          normed.detach()};
}

Tensor embedded(const Tensor& table, const Tensor& ids, const Transform* residual,
                const Config& config) {
  const Tensor x = embed(table, ids, config).view({ids.size(0), ids.size(1), -1});
  if (!residual)
    return x;
  return residual->apply(config.layer_norm ? x - x.mean(-1, /*keepdim=*/true) : x);
}

} // namespace latticelens
