// How well a network predicts the next tokens, and the gradient of that by every parameter.
#pragma once
#include "pretrain/network.h"

namespace latticelens {

struct NetworkGradient {
  double loss = 0;        // mean over the predictions, nats
  std::vector<Tensor> of; // in the order of parameters_of
};

/// Of windows of ids [n, t], some at a time. The same bytes at any thread count.
NetworkGradient gradient_at(const Network& network, const Tensor& ids);

/// The loss alone.
double loss_at(const Network& network, const Tensor& ids);

} // namespace latticelens
