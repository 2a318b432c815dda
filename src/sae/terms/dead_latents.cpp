// AuxK (Gao et al. 2024, appendix A.2). The residual is a constant and b_dec no part of its
// reconstruction; latents' values are after ReLU.
#include "sae/terms.h"

#include "tensor/total.h"
#include <ATen/ATen.h>

namespace latticelens {
namespace {

class AuxK : public SparseTerm {
 public:
  AuxK(std::int64_t count, double weight) : count_(count), weight_(weight) {}

  std::int64_t wanted(std::int64_t) const override { return 0; } // it searches among the dead

  void add(const SparseBatch& batch, const Codes&, const CoderWeights& weights,
           const DeadLatents& dead, SparseGradients& to) const override {
    if (dead.latents.empty())
      return;
    const CoderWeights some = dead_rows(weights, dead);
    LatentSearch search(some.latents(), some.width(), fastest_search());
    search.pack_all(some.encoder, some.encoder_bias);
    const Codes codes = search.largest(batch.centred, some, std::min(count_, some.latents()));
    const Tensor residual = batch.inputs - to.reconstruction;
    const double factor = factor_of(residual, batch);
    const ReconstructionError error = reconstruction_error(decode(codes, some), residual);
    const std::size_t first_use = to.uses.size();
    add_uses(codes, static_cast<std::uint32_t>(to.gradients.size()), to.uses);
    for (std::size_t i = first_use; i < to.uses.size(); ++i)
      to.uses[i].latent = dead.latents[static_cast<std::size_t>(to.uses[i].latent)];
    to.gradients.push_back(error.gradient * factor);
    to.loss += factor * error.loss;
  }

  Tensor reference_loss(const SparseBatch& batch, const Tensor& pre, const CoderWeights& weights,
                        const DeadLatents& dead, Tensor& residual) const override {
    if (dead.latents.empty())
      return at::zeros({}, at::kFloat);
    const Tensor places = at::tensor(dead.latents, at::kInt).to(at::kLong),
                 codes = reference::keep_largest(pre.index_select(1, places),
                                                 std::min(count_, places.numel())),
                 reconstruction = at::matmul(codes, weights.decoder.index_select(0, places));
    return factor_of(residual, batch) * reference::reconstruction_error(reconstruction, residual);
  }

 private:
  static CoderWeights dead_rows(const CoderWeights& weights, const DeadLatents& dead) {
    const Tensor places = at::tensor(dead.latents, at::kInt).to(at::kLong);
    return {weights.encoder.index_select(0, places), weights.encoder_bias.index_select(0, places),
            weights.decoder.index_select(0, places), at::zeros_like(weights.bias)};
  }

  /// The weight over the residual's variance, times the inputs': a share of the residual counts as
  /// much as the same share of the inputs. A residual of nothing teaches nothing.
  double factor_of(const Tensor& residual, const SparseBatch& batch) const {
    const Tensor apart = residual - residual.mean(0);
    const double variance = total(apart.square()) / static_cast<double>(residual.size(0));
    return variance > 0 ? weight_ * batch.variance / variance : 0;
  }

  std::int64_t count_;
  double weight_;
};

} // namespace

std::shared_ptr<const SparseTerm> dead_latents_term(std::int64_t count, double weight) {
  return std::make_shared<AuxK>(count, weight);
}

} // namespace latticelens
