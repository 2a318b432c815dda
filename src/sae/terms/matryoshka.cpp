// Matryoshka autoencoders (Bussmann et al. 2025): every prefix of the latents reconstructs by
// itself.
#include "core/error.h"
#include "sae/terms.h"
#include "sae/terms/batch_largest.h"

#include <ATen/ATen.h>
#include <algorithm>

namespace latticelens {
namespace {

class Matryoshka : public SparseTerm {
 public:
  Matryoshka(std::int64_t k, std::vector<std::int64_t> prefixes)
      : k_(k), prefixes_(std::move(prefixes)) {
    require(!prefixes_.empty() && prefixes_.front() > 0 &&
                std::ranges::adjacent_find(prefixes_, std::greater_equal<>()) == prefixes_.end(),
            "sae", "prefixes of a matryoshka autoencoder must grow");
  }

  std::int64_t wanted(std::int64_t latents) const override { return batch_room(k_, latents); }

  void add(const SparseBatch& batch, const Codes& largest, const CoderWeights& weights,
           const DeadLatents&, SparseGradients& to) const override {
    const Codes codes = batch_largest(first_of(largest, wanted(weights.latents())), k_).codes;
    const auto count = static_cast<double>(prefixes_.size());
    std::vector<Tensor> gradients;
    for (const std::int64_t prefix : prefixes_) {
      const Codes inner{codes.indices, codes.values * (codes.indices < prefix)};
      const Tensor reconstruction = decode(inner, weights);
      const ReconstructionError error = reconstruction_error(reconstruction, batch.inputs);
      gradients.push_back(error.gradient / count);
      to.loss += error.loss / count;
      if (prefix == prefixes_.back() && !to.reconstruction.defined()) {
        to.reconstruction = reconstruction;
        to.codes = codes;
        to.error = error.loss;
      }
    }
    // A latent is in every prefix from its own on: their gradients' sum is what it sees.
    for (std::size_t i = gradients.size() - 1; i-- > 0;)
      gradients[i] = gradients[i] + gradients[i + 1];
    to.bias += gradients.front().sum(0, false, at::kDouble);
    const std::size_t first_use = to.uses.size();
    add_uses(codes, 0, to.uses);
    for (std::size_t i = first_use; i < to.uses.size(); ++i)
      to.uses[i].use.target =
          static_cast<std::uint32_t>(to.gradients.size() + group_of(to.uses[i].latent));
    to.gradients.insert(to.gradients.end(), gradients.begin(), gradients.end());
  }

  Tensor reference_loss(const SparseBatch& batch, const Tensor& pre, const CoderWeights& weights,
                        const DeadLatents&, Tensor& residual) const override {
    const Tensor codes = reference::keep_largest_of_all(pre, k_ * pre.size(0));
    Tensor loss = at::zeros({}, at::kFloat);
    for (const std::int64_t prefix : prefixes_) {
      const Tensor reconstruction =
          at::matmul(codes.slice(1, 0, prefix), weights.decoder.slice(0, 0, prefix)) + weights.bias;
      loss = loss + reference::reconstruction_error(reconstruction, batch.inputs);
      if (prefix == prefixes_.back() && !residual.defined())
        residual = (batch.inputs - reconstruction).detach();
    }
    return loss / static_cast<double>(prefixes_.size());
  }

 private:
  /// The first prefix that has the latent.
  std::size_t group_of(std::int32_t latent) const {
    return static_cast<std::size_t>(std::ranges::upper_bound(prefixes_, latent) -
                                    prefixes_.begin());
  }
  std::int64_t k_;
  std::vector<std::int64_t> prefixes_;
};

} // namespace

std::shared_ptr<const SparseTerm> matryoshka_term(std::int64_t k,
                                                  std::vector<std::int64_t> prefixes) {
  return std::make_shared<Matryoshka>(k, std::move(prefixes));
}

} // namespace latticelens
