#include "learn/rotation_loss.h"

#include "learn/basis_factor.h"
#include "learn/quantized_weights.h"
#include "model/attention.h"
#include "quantize/activations.h"
#include <ATen/ATen.h>
#include <c10/core/GradMode.h>
#include <optional>
#include <torch/csrc/autograd/autograd.h>

namespace latticelens {
namespace {

constexpr std::int64_t kept_bytes = 1ll << 30;

/// The identity in the shape of a stack, to be differentiated by; undefined for none.
Tensor factor_like(const Tensor& matrices) {
  if (!matrices.defined())
    return {};
  return at::eye(matrices.size(1), at::kFloat)
      .expand(matrices.sizes())
      .contiguous()
      .requires_grad_();
}

LearnedRotations zeros_like(const LearnedRotations& rotations) {
  LearnedRotations zeros;
  if (rotations.residual.defined())
    zeros.residual = at::zeros_like(rotations.residual);
  for (const Tensor& matrices : rotations.value_output)
    zeros.value_output.push_back(at::zeros_like(matrices));
  return zeros;
}

TextLoss text_loss_of(const Method& method) {
  const LearnSpec* spec = learning(method, "rotations");
  return spec && spec->count("kl") == 1 ? TextLoss::divergence : TextLoss::cross_entropy;
}

std::int64_t bytes_of_blocks(const Model& model) {
  std::int64_t values = 0;
  for (const LinearShape& linear : model.layout->linears)
    values += linear.in * linear.out;
  return values * 4 * model.config.layers;
}

} // namespace

/// A forward pass that remembers what the backward pass starts from.
struct RotationLoss::Forward {
  Rotations rotations;
  Rope rope;
  std::vector<Tensor> streams; // before each block, and after the last
  std::vector<Block> blocks;   // empty when they are too large to keep
};

RotationLoss::RotationLoss(const Model& model, const Method& method, std::uint64_t seed)
    : model_(model), method_(method), seed_(seed), embedding_(load_embedding(model)),
      end_(model, text_loss_of(method)) {}

Block RotationLoss::folded(std::int64_t layer, const Rotations& rotations) const {
  Block block = load_block(model_, layer);
  fold_block(block, rotations, model_, at::kFloat);
  install_activations(block, *model_.layout, activations_of(method_, rotations));
  return block;
}

void RotationLoss::round_weights(Block& block, const BasisFactors& factors) const {
  const LearnSpec* spec = learning(method_, "rotations");
  if (spec && spec->count("weights") == 1)
    install_quantized_weights(block, model_, method_.weight, factors);
}

RotationLoss::Forward RotationLoss::forward(const LearnedRotations& rotations,
                                            const Tensor& ids) const {
  Forward pass{.rotations = make_rotations(method_.transforms, model_.config, seed_, &rotations),
               .rope = make_rope(model_.config, ids.size(1))};
  pass.streams.push_back(embedded(embedding_, ids, pass.rotations.residual.get(), model_.config));
  const bool keep = bytes_of_blocks(model_) <= kept_bytes;
  for (std::int64_t layer = 0; layer < model_.config.layers; ++layer) {
    const Block block = folded(layer, pass.rotations);
    Block rounded = block;
    round_weights(rounded, {});
    pass.streams.push_back(run_block(model_, rounded, pass.rope, pass.streams.back()));
    if (keep)
      pass.blocks.push_back(block);
  }
  return pass;
}

EndGradient RotationLoss::end(const Forward& pass, const Tensor& ids) const {
  return end_.at(pass.streams.back(), pass.rotations.residual.get(), ids);
}

double RotationLoss::loss_at(const LearnedRotations& rotations, const Tensor& ids) const {
  const Forward pass = forward(rotations, ids);
  return end(pass, ids).loss;
}

/// Through one block, run again with its graph: the gradient of what goes into it. What its factors
/// get is added to `sums`.
Tensor RotationLoss::back_through(std::int64_t layer, const Forward& pass, const Tensor& gradient,
                                  LearnedRotations& sums) const {
  Block block = pass.blocks.empty() ? folded(layer, pass.rotations) : pass.blocks[layer];
  const bool values = !sums.value_output.empty();
  const BasisFactors factors{factor_like(sums.residual),
                             values ? factor_like(sums.value_output[layer]) : Tensor()};
  round_weights(block, factors);
  install_basis_factors(block, model_, factors);
  const Tensor x = pass.streams[layer].detach().requires_grad_();
  std::vector<Tensor> inputs = {x};
  for (const Tensor& factor : {factors.residual, factors.value_output})
    if (factor.defined())
      inputs.push_back(factor);
  const auto gradients =
      torch::autograd::grad({run_block(model_, block, pass.rope, x)}, inputs, {gradient});
  if (sums.residual.defined())
    sums.residual += gradients[1];
  if (values)
    sums.value_output[layer] += gradients.back();
  return gradients.front();
}

RotationGradient RotationLoss::at(const LearnedRotations& rotations, const Tensor& ids) const {
  const Forward pass = forward(rotations, ids);
  const EndGradient last = end(pass, ids);
  RotationGradient result{.loss = last.loss, .gradient = zeros_like(rotations)};
  Tensor& of_residual = result.gradient.residual;
  Tensor gradient = last.of_stream;
  if (of_residual.defined()) // the head reads the stream
    of_residual += block_products(last.of_normed, last.normed, of_residual);
  for (std::int64_t layer = model_.config.layers - 1; layer >= 0; --layer)
    gradient = back_through(layer, pass, gradient, result.gradient);
  if (of_residual.defined()) // the embedding writes it
    of_residual += block_products(pass.streams.front(), gradient, of_residual);
  return result;
}

} // namespace latticelens
