// JumpReLU (Rajamanoharan et al. 2024, equations 10 to 12): every latent has a threshold of its
// own.
#include "sae/terms.h"
#include "sae/terms/batch_largest.h"

#include <ATen/ATen.h>
#include <cmath>

namespace latticelens {
namespace {

/// Of the rectangle around a threshold in which values move it, as a share of the threshold: the
/// same for activations of any scale.
constexpr double bandwidth = 0.5;

bool is_near(float value, float threshold) {
  return std::fabs(value - threshold) <= bandwidth / 2 * threshold;
}

class JumpRelu : public SparseTerm {
 public:
  JumpRelu(std::int64_t k, double weight) : k_(k), weight_(weight) {}

  std::int64_t wanted(std::int64_t latents) const override { return batch_room(k_, latents); }
  bool has_thresholds() const override { return true; }

  void add(const SparseBatch& batch, const Codes& largest, const CoderWeights& weights,
           const DeadLatents&, SparseGradients& to) const override {
    const Codes all = first_of(largest, wanted(weights.latents()));
    const Tensor thresholds = weights.log_thresholds.exp(),
                 bars = thresholds.index_select(0, all.indices.flatten()).view(all.indices.sizes());
    const Codes codes{all.indices, all.values * (all.values > bars)};
    const std::uint32_t target = add_reconstruction(batch, codes, weights, 1, to);
    const auto inputs = static_cast<double>(batch.inputs.size(0)), k = static_cast<double>(k_);
    const double over =
        static_cast<double>((codes.values > 0).sum().item<std::int64_t>()) / inputs / k - 1;
    to.loss += weight_ * batch.variance * over * over;
    add_threshold_gradients(all, bars, target, 2 * weight_ * batch.variance * over / (k * inputs),
                            weights.latents(), to);
  }

  Tensor reference_loss(const SparseBatch& batch, const Tensor& pre, const CoderWeights& weights,
                        const DeadLatents&, Tensor& residual) const override {
    const Tensor thresholds = weights.log_thresholds.exp(), bars = thresholds.detach(),
                 moved = weights.log_thresholds - weights.log_thresholds.detach(),
                 above = (pre > bars).to(at::kFloat).detach(),
                 near = ((pre - bars).abs() <= bandwidth / 2 * bars).to(at::kFloat).detach(),
                 // Their values, and their gradients by log thresholds, straight through.
        codes = pre * above - near * bars / bandwidth * moved,
                 active = above - near / bandwidth * moved,
                 reconstruction = at::matmul(codes, weights.decoder) + weights.bias,
                 over = active.sum() / pre.size(0) / static_cast<double>(k_) - 1;
    if (!residual.defined())
      residual = (batch.inputs - reconstruction).detach();
    return reference::reconstruction_error(reconstruction, batch.inputs) +
           weight_ * batch.variance * over.square();
  }

 private:
  /// of_active: the loss's gradient by one latent's being active at one input.
  static void add_threshold_gradients(const Codes& all, const Tensor& bars, std::uint32_t target,
                                      double of_active, std::int64_t latents, SparseGradients& to) {
    to.threshold_gradient = at::zeros({latents}, at::kDouble);
    double* const sums = to.threshold_gradient.mutable_data_ptr<double>();
    const std::int64_t room = all.indices.size(1);
    const std::int64_t* const indices = all.indices.const_data_ptr<std::int64_t>();
    const float *const values = all.values.const_data_ptr<float>(),
                       *const thresholds = bars.const_data_ptr<float>();
    for (std::int64_t i = 0; i < all.indices.numel(); ++i) {
      if (!is_near(values[i], thresholds[i]))
        continue;
      const auto input = static_cast<std::uint32_t>(i / room);
      to.threshold_uses.push_back(
          {static_cast<std::int32_t>(indices[i]),
           {input, target, static_cast<float>(-thresholds[i] / bandwidth)}});
      sums[indices[i]] -= of_active / bandwidth;
    }
  }

  std::int64_t k_;
  double weight_;
};

} // namespace

std::shared_ptr<const SparseTerm> jump_relu_term(std::int64_t k, double weight) {
  return std::make_shared<JumpRelu>(k, weight);
}

} // namespace latticelens
