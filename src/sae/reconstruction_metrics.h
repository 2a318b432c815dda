// How well reconstructions fit, how sparse latents are: the metrics of the field under their names,
// which several tools define differently. Summed in fp64, token by token in their order: the result
// does not depend on how the data are cut into batches, nor on the threads.
#pragma once
#include "core/json.h"
#include "sae/codes.h"
#include <array>
#include <cstdint>
#include <memory>
#include <vector>

namespace latticelens {

/// x: a token's scaled activations, x^: its reconstruction, e = x - x^; d: their width, N: tokens.
/// Σ and means are over tokens. A mean of ratios leaves tokens out whose divisor is zero, and
/// counts them in `left_out`; a ratio of sums whose divisor is zero is no number (null in JSON).
struct ReconstructionFit {
  std::int64_t tokens = 0;
  std::int64_t window = 0; // tokens of what fvu_batch and ev_token_mean call a batch
  /// Mean over batches, by their tokens, of Σ‖e‖² / Σ‖x - batch mean‖² (paper 001, sparsify).
  double fvu_batch = 0;
  /// Σ‖e‖² / Σ‖x - mean of all‖² (1 - explained_variance of SAELens).
  double fvu_dataset = 0;
  /// Σ‖e - mean e‖² / Σ‖x - mean of all‖²: forgives a constant bias (dictionary_learning).
  double fvu_centred_residual = 0;
  /// Mean of 1 - ‖e‖² / ‖x - batch mean‖² (explained_variance_legacy of SAELens).
  double ev_token_mean = 0;
  double nmse_uncentred = 0; // mean of ‖e‖² / ‖x‖²
  double mse = 0;            // Σ‖e‖² / (N d); SAELens and SAEBench do not divide by d
  double cosine = 0;         // mean of x·x^ / (‖x‖ ‖x^‖)
  double l2_ratio = 0;       // mean of ‖x^‖ / ‖x‖
  /// Σ‖x^‖² / Σ x·x^: below 1 reconstructions are too short (https://arxiv.org/abs/2404.16014).
  double relative_reconstruction_bias = 0;
  std::int64_t left_out = 0; // tokens left out of a mean: zero, x^ zero, their batch's mean itself
};

/// Decades of log10 firing frequency, cut in quarters: the first bin is everything below 1e-8.
inline constexpr double histogram_start = -8, histogram_step = 0.25;
inline constexpr std::size_t histogram_bins = 33;

/// A latent fires on a token when its value is above zero; its frequency is the share of the
/// tokens on which it does.
struct Sparsity {
  std::int64_t tokens = 0;                          // also the window that `dead` speaks of
  double l0 = 0;                                    // mean number of latents that fire
  double l1 = 0;                                    // mean sum of the values
  double dead = 0;                                  // share of the latents that fire on no token
  double above_1_percent = 0, above_10_percent = 0; // shares of the latents
  /// Latents by log10 of their frequency, dead ones left out: bin 0 is below histogram_start, bin i
  /// begins at histogram_start + (i - 1) histogram_step, the last one holds 1 too.
  std::array<std::int64_t, histogram_bins> histogram = {};
  std::vector<std::int64_t> firings; // tokens on which each latent fires
};

struct ReconstructionMetrics {
  ReconstructionFit fit;
  Sparsity sparsity;
};

class MetricSums {
 public:
  /// window: tokens of a batch, as fvu_batch and ev_token_mean mean it; so many are kept in memory.
  MetricSums(std::int64_t width, std::int64_t latents, std::int64_t window = 4096);
  ~MetricSums();
  MetricSums(MetricSums&& other) noexcept;
  MetricSums& operator=(MetricSums&& other) noexcept;

  /// x, reconstruction [B, width] fp32; codes of the same B. Errors: other shapes, an index outside
  /// the latents, a value that is not finite or a latent that is negative.
  void add(const Tensor& x, const Tensor& reconstruction, const Codes& codes);
  /// Of what was added so far. Error: nothing.
  ReconstructionMetrics result() const;

 private:
  struct Sums;
  std::unique_ptr<Sums> sums_;
};

/// Everything but `firings`.
Json to_json(const ReconstructionMetrics& metrics);

} // namespace latticelens
