#include "learn/block_descent.h"

#include "learn/learning_log.h"
#include "model/attention.h"
#include "tensor/adam.h"
#include <ATen/ATen.h>
#include <cmath>
#include <torch/csrc/autograd/autograd.h>

namespace latticelens {
namespace {

/// Rows first: a sum over everything would be split among threads.
double mean_square(const Tensor& x) {
  return x.flatten(0, -2).square().sum(1).sum(at::kDouble).item<double>() /
         static_cast<double>(x.numel());
}

struct Moving {
  Tensor* tensor;
  AdamMoments moments;
  double first_rate;
};

std::vector<Moving> moving(BlockParameters& parameters, const LearnSpec& spec) {
  std::vector<Moving> all;
  for (const auto& tensors : {scales_in(parameters), clipping_in(parameters)})
    for (Tensor* tensor : tensors)
      *tensor = tensor->clone(); // changed in place
  for (Tensor* scales : scales_in(parameters))
    all.push_back({scales, no_moments_yet(*scales), spec.number("rate")});
  for (Tensor* clipping : clipping_in(parameters))
    all.push_back({clipping, no_moments_yet(*clipping), spec.number("clip-rate")});
  return all;
}

struct BlockGradient {
  double loss;
  std::vector<Tensor> gradients; // of the scales, then the clipping; undefined: it has none
};

BlockGradient gradient_at(const QuantizeRequest& request, const Block& folded,
                          const BlockLessons& lessons, const std::vector<std::int64_t>& parts,
                          BlockParameters parameters) {
  std::vector<Tensor> watched;
  for (const auto& tensors : {scales_in(parameters), clipping_in(parameters)})
    for (Tensor* tensor : tensors) {
      *tensor = tensor->detach().requires_grad_();
      watched.push_back(*tensor);
    }
  const Tensor x = at::cat(chosen(lessons.inputs, parts)),
               target = at::cat(chosen(lessons.targets, parts));
  const Tensor y = run_block(request.model, quantized_block(request, folded, parameters),
                             make_rope(request.model.config, x.size(1)), x);
  const Tensor difference = y.detach() - target;
  return {mean_square(difference), // an expert that no token reaches has no gradient
          torch::autograd::grad({y}, watched, {difference * (2.0 / difference.numel())},
                                /*retain_graph=*/false, /*create_graph=*/false,
                                /*allow_unused=*/true)};
}

void check(const BlockGradient& here, const LearnSpec& spec, std::int64_t step,
           std::int64_t layer) {
  const std::string where = "block " + std::to_string(layer) + ": ";
  if (!std::isfinite(here.loss))
    stop_learning(spec, step, where + "the loss is not finite");
  for (const Tensor& gradient : here.gradients)
    if (gradient.defined() && !at::isfinite(gradient).all().item<bool>())
      stop_learning(spec, step, where + "a gradient is not finite");
}

void keep_scales(BlockParameters& parameters) {
  for (Tensor* scales : scales_in(parameters))
    scales->clamp_min_(std::log(least_channel_scale));
}

} // namespace

double block_error(const Model& model, const Block& block, const BlockLessons& lessons,
                   const std::vector<std::int64_t>& parts) {
  const Tensor x = at::cat(chosen(lessons.inputs, parts));
  return mean_square(run_block(model, block, make_rope(model.config, x.size(1)), x) -
                     at::cat(chosen(lessons.targets, parts)));
}

BlockParameters descend(const QuantizeRequest& request, const Block& folded,
                        const BlockLessons& lessons, BlockParameters start) {
  const LearnSpec& spec = *learning(request.method, "blocks");
  BlockParameters parameters = std::move(start);
  std::vector<Moving> all = moving(parameters, spec);
  for (std::int64_t step = 0; step < spec.count("steps"); ++step) {
    const BlockGradient here =
        gradient_at(request, folded, lessons, lessons.text.parts_of(step), parameters);
    check(here, spec, step, folded.layer);
    for (std::size_t i = 0; i < all.size(); ++i)
      if (here.gradients[i].defined())
        adam_update({.rate = all[i].first_rate * cosine_of(spec, step), .step = step + 1},
                    here.gradients[i], *all[i].tensor, all[i].moments);
    keep_scales(parameters);
  }
  return parameters;
}

} // namespace latticelens
