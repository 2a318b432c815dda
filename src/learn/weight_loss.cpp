#include "learn/weight_loss.h"

#include "learn/quantized_weights.h"
#include "model/attention.h"
#include "quantize/activations.h"
#include "tensor/gradient.h"
#include <ATen/ATen.h>
#include <torch/csrc/autograd/autograd.h>

namespace latticelens {

WeightLoss::WeightLoss(const QuantizeRequest& request, const Rotations& rotations)
    : request_(request), rotations_(rotations), embedding_(load_embedding(request.model)),
      end_(request.model, TextLoss::divergence) {}

Block WeightLoss::folded(std::int64_t layer) const {
  Block block = load_block(request_.model, layer);
  fold_block(block, rotations_, request_.model);
  for (auto& [name, linear] : block.linears) // learned in place: no view of a file or of another
    linear.weight = linear.weight.clone(at::MemoryFormat::Contiguous);
  install_activations(block, *request_.model.layout,
                      {.down_input = rotations_.down_input, .format = request_.method.activation});
  return block;
}

/// With its stages' weights rounded to nearest, straight through where they are watched.
Block WeightLoss::rounded(const Block& block) const {
  Block result = block;
  if (request_.method.learn->count("weights") == 0)
    return result;
  for (auto& [name, linear] : result.linears)
    if (in_a_stage(*request_.model.layout, name))
      linear.weight = straight_through(
          rounded_to_nearest(linear.weight.detach(), request_.method.weight), linear.weight);
  return result;
}

std::vector<Tensor> WeightLoss::streams(const std::vector<Block>& blocks, const Tensor& ids) const {
  const Rope rope = make_rope(request_.model.config, ids.size(1));
  std::vector<Tensor> streams = {
      embedded(embedding_, ids, rotations_.residual.get(), request_.model.config)};
  for (const Block& block : blocks)
    streams.push_back(run_block(request_.model, rounded(block), rope, streams.back()));
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
    if (in_a_stage(*request_.model.layout, name)) {
      linear.weight = linear.weight.detach().requires_grad_();
      names.push_back(name);
      inputs.push_back(linear.weight);
    }
  const Tensor y = run_block(request_.model, rounded(watched), rope, inputs.front());
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
  const Rope rope = make_rope(request_.model.config, ids.size(1));
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
