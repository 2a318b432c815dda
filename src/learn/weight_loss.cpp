#include "learn/weight_loss.h"

#include "model/attention.h"
#include "tensor/gradient.h"
#include <ATen/ATen.h>
#include <torch/csrc/autograd/autograd.h>

namespace latticelens {

WeightLoss::WeightLoss(const Model& model, const Rotations& rotations, RoundedWeight rounded)
    : model_(model), rotations_(rotations), rounded_(std::move(rounded)),
      embedding_(load_embedding(model)), end_(model, TextLoss::divergence) {}

/// With its stages' weights rounded, straight through where they are watched.
Block WeightLoss::rounded(const Block& block) const {
  Block result = block;
  if (!rounded_)
    return result;
  for (auto& [name, linear] : result.linears)
    if (in_a_stage(*model_.layout, name))
      linear.weight =
          straight_through(rounded_(block.layer, name, linear.weight.detach()), linear.weight);
  return result;
}

std::vector<Tensor> WeightLoss::streams(const std::vector<Block>& blocks, const Tensor& ids) const {
  const Rope rope = make_rope(model_.config, ids.size(1));
  std::vector<Tensor> streams = {
      embedded(embedding_, ids, rotations_.residual.get(), model_.config)};
  for (const Block& block : blocks)
    streams.push_back(run_block(model_, rounded(block), rope, streams.back()));
  return streams;
}

double WeightLoss::at(const std::vector<Block>& blocks, const Tensor& ids) const {
  return end_.at(streams(blocks, ids).back(), rotations_.residual.get(), ids).loss;
}

/// Through one block, run again with its graph; returns the gradient of what goes into it.
Tensor WeightLoss::back_through(const Block& block, const Tensor& x, const Tensor& gradient,
                                const Rope& rope, const EachWeight& each) const {
  Block watched = block;
  std::vector<std::string> names;
  std::vector<Tensor> inputs = {x.detach().requires_grad_()};
  for (auto& [name, linear] : watched.linears)
    if (in_a_stage(*model_.layout, name)) {
      linear.weight = linear.weight.detach().requires_grad_();
      names.push_back(name);
      inputs.push_back(linear.weight);
    }
  const Tensor y = run_block(model_, rounded(watched), rope, inputs.front());
  // An expert that no token reaches has no gradient.
  const auto gradients = torch::autograd::grad({y}, inputs, {gradient}, /*retain_graph=*/false,
                                               /*create_graph=*/false, /*allow_unused=*/true);
  for (std::size_t i = 0; i < names.size(); ++i)
    if (gradients[i + 1].defined())
      each(block.layer, names[i], gradients[i + 1]);
  return gradients.front();
}

double WeightLoss::gradient_at(const std::vector<Block>& blocks, const Tensor& ids,
                               const EachWeight& each) const {
  const Rope rope = make_rope(model_.config, ids.size(1));
  std::vector<Tensor> passed = streams(blocks, ids);
  const EndGradient last = end_.at(passed.back(), rotations_.residual.get(), ids);
  Tensor gradient = last.of_stream;
  for (auto block = blocks.rbegin(); block != blocks.rend(); ++block) {
    passed.pop_back();
    gradient = back_through(*block, passed.back(), gradient, rope, each);
  }
  return last.loss;
}

} // namespace latticelens
