// What is minimised: a sum of terms, each of which reconstructs inputs from some of their largest
// latents and says by which latents and in which direction. A kind of autoencoder is a list of
// terms.
#pragma once
#include "kernels/sparse_rows.h"
#include "sae/latent_search.h"
#include <functional>
#include <memory>

namespace latticelens {

/// A batch on its way through a step.
struct SparseBatch {
  Tensor inputs;       // [B, d], scaled
  Tensor centred;      // inputs - b_dec
  Tensor mean;         // [d] of the inputs
  double variance = 0; // mean over inputs of ‖x - mean‖²
};

/// A latent and what used it.
struct PlacedUse {
  std::int32_t latent;
  LatentUse use;
};

/// What the terms of one step come to.
struct SparseGradients {
  std::vector<PlacedUse> uses;   // in the order of terms, then of inputs
  std::vector<Tensor> gradients; // of reconstructions [B, d], by target
  Tensor bias;                   // [d]: of b_dec as what is added to reconstructions
  double loss = 0;               // all terms, weighted
  /// Of log_thresholds: `threshold_uses` give a latent's own gradient at an input times `value`,
  /// threshold_gradient [n] fp64 what is added to that. Undefined: there are no thresholds.
  std::vector<PlacedUse> threshold_uses = {};
  Tensor threshold_gradient = {};
  /// Of the first term: what the autoencoder gives for the batch, and by which codes.
  Tensor reconstruction;
  Codes codes;
  double error = 0; // mean over the batch of ‖x - x̂‖²
};

/// Which latents may fire for a term that revives the dead.
struct DeadLatents {
  std::vector<std::int32_t> latents; // ascending
};

class SparseTerm {
 public:
  virtual ~SparseTerm() = default;
  /// How many of an input's largest latents it reads.
  virtual std::int64_t wanted(std::int64_t latents) const = 0;
  /// Whether it trains thresholds.
  virtual bool has_thresholds() const { return false; }
  /// Adds the term's loss, uses and gradients. largest: at least the wanted ones.
  virtual void add(const SparseBatch& batch, const Codes& largest, const CoderWeights& weights,
                   const DeadLatents& dead, SparseGradients& to) const = 0;
  /// The term's loss by dense operations that autograd differentiates by the weights' tensors. pre:
  /// ReLU of all latents [B, n]; residual: x - x̂ of the first term, which sets it.
  virtual Tensor reference_loss(const SparseBatch& batch, const Tensor& pre,
                                const CoderWeights& weights, const DeadLatents& dead,
                                Tensor& residual) const = 0;
};

using SparseTerms = std::vector<std::shared_ptr<const SparseTerm>>;

/// ‖x - x̂‖² of the k largest, times `weight`: TopK's own (weight 1), and Multi-TopK's second term
/// (4k, 1/8; Gao et al. 2024, §4.2).
std::shared_ptr<const SparseTerm> top_k_term(std::int64_t k, double weight);
/// The k B largest of the batch's (Bussmann et al. 2024).
std::shared_ptr<const SparseTerm> batch_top_k_term(std::int64_t k);
/// The mean over nested prefixes of the latents, the last one all of them (Bussmann et al. 2025);
/// the k B largest of the batch's.
std::shared_ptr<const SparseTerm> matryoshka_term(std::int64_t k,
                                                  std::vector<std::int64_t> prefixes);
/// JumpReLU (Rajamanoharan et al. 2024): latents above their own thresholds, which follow the
/// straight-through estimate of their gradient; `weight` (L0 / k - 1)² times the inputs' variance
/// keeps k latents active on average (their "sparsity target" variant).
std::shared_ptr<const SparseTerm> jump_relu_term(std::int64_t k, double weight);
/// AuxK (Gao et al. 2024, appendix A.2): what the first term leaves, reconstructed from the largest
/// dead latents. `weight` times the residual's share that stays, times the inputs' variance.
std::shared_ptr<const SparseTerm> dead_latents_term(std::int64_t count, double weight);

/// mean over the batch of ‖x - x̂‖², and its gradient by x̂: 2 (x̂ - x) / B.
struct ReconstructionError {
  double loss;
  Tensor gradient; // [B, d]
};
ReconstructionError reconstruction_error(const Tensor& reconstruction, const Tensor& wanted);

/// The first `count` of each input's codes.
Codes first_of(const Codes& codes, std::int64_t count);

/// A use for every code that is not zero, input by input.
void add_uses(const Codes& codes, std::uint32_t target, std::vector<PlacedUse>& uses);

/// ‖x - x̂‖² of these codes times `weight`: loss, gradient and uses; what the autoencoder gives for
/// the batch, if no term before said so. The target of its uses.
std::uint32_t add_reconstruction(const SparseBatch& batch, const Codes& codes,
                                 const CoderWeights& weights, double weight, SparseGradients& to);

namespace reference {
/// The largest `count` of each row, the rest zero. Differentiable.
Tensor keep_largest(const Tensor& pre, std::int64_t count);
/// The largest `count` of all, the rest zero.
Tensor keep_largest_of_all(const Tensor& pre, std::int64_t count);
Tensor reconstruction_error(const Tensor& reconstruction, const Tensor& wanted);
} // namespace reference

} // namespace latticelens
