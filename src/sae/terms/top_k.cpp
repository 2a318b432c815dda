// TopK (paper 001, equations 1 to 3; Gao et al. 2024).
#include "sae/terms.h"

#include <ATen/ATen.h>

namespace latticelens {
namespace {

class TopK : public SparseTerm {
 public:
  TopK(std::int64_t k, double weight) : k_(k), weight_(weight) {}

  std::int64_t wanted(std::int64_t latents) const override { return std::min(k_, latents); }

  void add(const SparseBatch& batch, const Codes& largest, const CoderWeights& weights,
           const DeadLatents&, SparseGradients& to) const override {
    add_reconstruction(batch, first_of(largest, wanted(weights.latents())), weights, weight_, to);
  }

  Tensor reference_loss(const SparseBatch& batch, const Tensor& pre, const CoderWeights& weights,
                        const DeadLatents&, Tensor& residual) const override {
    const Tensor codes = reference::keep_largest(pre, wanted(weights.latents())),
                 reconstruction = at::matmul(codes, weights.decoder) + weights.bias;
    if (!residual.defined())
      residual = (batch.inputs - reconstruction).detach();
    return weight_ * reference::reconstruction_error(reconstruction, batch.inputs);
  }

 private:
  std::int64_t k_;
  double weight_;
};

} // namespace

std::shared_ptr<const SparseTerm> top_k_term(std::int64_t k, double weight) {
  return std::make_shared<TopK>(k, weight);
}

} // namespace latticelens
