#include "tensor/gradient.h"

#include <ATen/ATen.h>
#include <algorithm>
#include <torch/csrc/autograd/function.h>
#include <torch/csrc/autograd/functions/utils.h>
#include <torch/csrc/autograd/variable.h>

namespace latticelens {
namespace {

namespace autograd = torch::autograd;

class Closure : public autograd::Node {
 public:
  explicit Closure(Backward backward) : backward_(std::move(backward)) {}
  autograd::variable_list apply(autograd::variable_list&& gradients) override {
    return backward_(gradients.front());
  }
  void release_variables() override { backward_ = nullptr; }

 private:
  Backward backward_;
};

} // namespace

bool wants_gradient(std::initializer_list<Tensor> inputs) {
  return at::GradMode::is_enabled() &&
         std::any_of(inputs.begin(), inputs.end(),
                     [](const Tensor& x) { return x.defined() && x.requires_grad(); });
}

Tensor with_gradient(const Tensor& value, const std::vector<Tensor>& inputs, Backward backward) {
  Tensor result = value.detach();
  const std::shared_ptr<Closure> node(new Closure(std::move(backward)), autograd::deleteNode);
  node->set_next_edges(autograd::collect_next_edges(inputs));
  autograd::set_history(result, node);
  return result;
}

Tensor straight_through(const Tensor& value, const Tensor& x) {
  return with_gradient(value, {x},
                       [](const Tensor& gradient) { return std::vector<Tensor>{gradient}; });
}

} // namespace latticelens
