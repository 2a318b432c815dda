// BatchTopK (Bussmann et al. 2024): k active latents an input on average, some inputs more.
#include "sae/terms.h"
#include "sae/terms/batch_largest.h"

#include <ATen/ATen.h>

namespace latticelens {
namespace {

class BatchTopK : public SparseTerm {
 public:
  explicit BatchTopK(std::int64_t k) : k_(k) {}

  std::int64_t wanted(std::int64_t latents) const override { return batch_room(k_, latents); }

  void add(const SparseBatch& batch, const Codes& largest, const CoderWeights& weights,
           const DeadLatents&, SparseGradients& to) const override {
    const Codes codes = batch_largest(first_of(largest, wanted(weights.latents())), k_).codes;
    const Tensor reconstruction = decode(codes, weights);
    const ReconstructionError error = reconstruction_error(reconstruction, batch.inputs);
    add_uses(codes, static_cast<std::uint32_t>(to.gradients.size()), to.uses);
    to.gradients.push_back(error.gradient);
    to.bias += error.gradient.sum(0, false, at::kDouble);
    to.loss += error.loss;
    if (!to.reconstruction.defined()) {
      to.reconstruction = reconstruction;
      to.codes = codes;
      to.error = error.loss;
    }
  }

  Tensor reference_loss(const SparseBatch& batch, const Tensor& pre, const CoderWeights& weights,
                        const DeadLatents&, Tensor& residual) const override {
    const Tensor codes = reference::keep_largest_of_all(pre, k_ * pre.size(0)),
                 reconstruction = at::matmul(codes, weights.decoder) + weights.bias;
    if (!residual.defined())
      residual = (batch.inputs - reconstruction).detach();
    return reference::reconstruction_error(reconstruction, batch.inputs);
  }

 private:
  std::int64_t k_;
};

} // namespace

std::shared_ptr<const SparseTerm> batch_top_k_term(std::int64_t k) {
  return std::make_shared<BatchTopK>(k);
}

} // namespace latticelens
