#include "pretrain/network_loss.h"

#include "model/attention.h"
#include "model/head_loss.h"
#include <ATen/ATen.h>
#include <algorithm>
#include <torch/csrc/autograd/autograd.h>

namespace latticelens {
namespace {

constexpr std::int64_t tokens_at_once = 2048; // bounds what the backward pass keeps in memory

Tensor hidden_of(const Network& network, const Rope& rope, const Tensor& ids) {
  Tensor x =
      embed(network.embedding, ids, network.model.config).view({ids.size(0), ids.size(1), -1});
  for (const Block& block : network.blocks)
    x = run_block(network.model, block, rope, x);
  return network.norm(x, network.model.config.norm_epsilon);
}

/// The same network with parameters that are watched.
Network watched(const Network& network, std::vector<Tensor>& parameters) {
  Network copy = network;
  for (const Parameter& parameter : parameters_of(copy)) {
    *parameter.value = parameter.value->detach().requires_grad_();
    parameters.push_back(*parameter.value);
  }
  return copy;
}

/// Calls `visit(part, share)` for some rows of ids at a time and their share of all.
template<class Visit>
void for_each_part(const Tensor& ids, const Visit& visit) {
  const std::int64_t rows = ids.size(0),
                     at_once = std::max<std::int64_t>(1, tokens_at_once / ids.size(1));
  for (std::int64_t first = 0; first < rows; first += at_once) {
    const Tensor part = ids.slice(0, first, first + at_once);
    visit(part, static_cast<double>(part.size(0)) / static_cast<double>(rows));
  }
}

} // namespace

NetworkGradient gradient_at(const Network& network, const Tensor& ids) {
  std::vector<Tensor> parameters;
  const Network copy = watched(network, parameters);
  const Rope rope = make_rope(network.model.config, ids.size(1));
  const HeadLoss head({network.embedding, {}});
  NetworkGradient result;
  for (const Tensor& parameter : parameters)
    result.of.push_back(at::zeros(parameter.sizes()));
  for_each_part(ids, [&](const Tensor& part, double share) {
    const Tensor hidden = hidden_of(copy, rope, part);
    Tensor of_head = at::zeros_like(network.embedding);
    const LossGradient loss = head.of(hidden.detach(), part, &of_head);
    const auto gradients = torch::autograd::grad({hidden}, parameters, {loss.gradient});
    result.loss += share * loss.loss;
    for (std::size_t i = 0; i < gradients.size(); ++i)
      result.of[i].add_(gradients[i], share);
    result.of.front().add_(of_head, share); // the head is the embedding
  });
  return result;
}

double loss_at(const Network& network, const Tensor& ids) {
  const Rope rope = make_rope(network.model.config, ids.size(1));
  const HeadLoss head({network.embedding, {}});
  double loss = 0;
  for_each_part(ids, [&](const Tensor& part, double share) {
    loss += share * head.of(hidden_of(network, rope, part), part).loss;
  });
  return loss;
}

} // namespace latticelens
