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
    const Codes room = first_of(largest, wanted(weights.latents()));
    add_reconstruction(batch, batch_largest(room, k_).codes, weights, 1, to);
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
