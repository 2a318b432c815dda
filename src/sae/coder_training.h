// Training one sparse autoencoder, a batch at a time: encode by a search, decode the few active
// latents, and one pass over the latents that makes each one's gradient and takes its step while
// its rows are in the cache.
#pragma once
#include "sae/row_optimizer.h"
#include "sae/terms.h"
#include "tensor/processes.h"
#include "tensor/safetensors.h"
#include <optional>

namespace latticelens {

struct TrainingSettings {
  OptimizerSettings optimizer;
  bool project = true;      // the part of a decoder row's gradient along the row is left out
  std::int64_t active = 32; // latents an input for which thresholds begin
  /// Inputs without a positive value after which a latent counts as dead.
  std::int64_t dead_after = 10'000'000;
  SearchPrecision precision = fastest_search();
  /// Each searches for its share of a batch's latents; all else all of them compute. Null: one.
  std::shared_ptr<Processes> processes = nullptr;
  /// Every so many steps some inputs are searched in full, to count what the search misses; 0:
  /// never.
  std::int64_t checked_every = 100;
};

/// Of one step, before the weights changed.
struct StepReport {
  std::int64_t step = 0;
  double loss = 0; // all terms
  double fvu = 0;  // Σ‖x - x̂‖² / Σ‖x - mean‖² of the batch (fvu_batch)
  double l0 = 0;   // active latents an input
  std::int64_t dead = 0;
  std::int64_t checked = 0, missed = 0; // active latents looked for in full, and not found
};

/// Random unit rows from the seed, the encoder their copy (tied start), no encoder bias; b_dec as
/// given [d].
CoderWeights initial_weights(std::int64_t latents, const Tensor& bias, std::uint64_t seed);

class CoderTraining {
 public:
  CoderTraining(CoderWeights weights, SparseTerms terms, TrainingSettings settings);

  /// One step down the terms' loss on inputs [B, d], scaled. Error: NaN or infinity among them.
  StepReport step(const Tensor& inputs);
  const CoderWeights& weights() const { return weights_; }
  std::int64_t steps() const { return step_; }
  std::int64_t dead() const { return static_cast<std::int64_t>(dead_latents().latents.size()); }

  /// All that another process needs to go on to the same bytes; names begin with `prefix`.
  void save(NamedTensors& tensors, const std::string& prefix) const;
  /// Error: tensors that are missing or of another shape.
  void load(const SafetensorsFile& file, const std::string& prefix);

 private:
  struct Parameters {
    Tensor values;
    std::vector<Tensor> moments;
  };
  Codes search(const Tensor& centred, std::int64_t wanted) const;
  DeadLatents dead_latents() const;
  void note_fired(const Codes& codes);
  StepReport report(const SparseBatch& batch, const SparseGradients& made) const;
  void update(const SparseBatch& batch, const SparseGradients& made);
  std::vector<std::pair<std::string, Tensor>> state() const;
  Parameters with_moments(const Tensor& values) const;
  void start_thresholds(const SparseBatch& batch);

  CoderWeights weights_;
  SparseTerms terms_;
  TrainingSettings settings_;
  LatentSearch search_;
  Parameters encoder_, encoder_bias_, decoder_, bias_; // share their values with weights_
  std::optional<Parameters> thresholds_;
  Tensor since_fired_; // [n] I64: inputs since each latent was last positive
  std::int64_t step_ = 0;
};

namespace reference {
/// The gradients of all terms by dense autograd: of the encoder, its bias, the decoder and b_dec.
struct DenseGradients {
  Tensor encoder, encoder_bias, decoder, bias;
  double loss = 0;
  Tensor log_thresholds = {};
};
DenseGradients gradients(const CoderWeights& weights, const SparseTerms& terms,
                         const Tensor& inputs, const DeadLatents& dead);
/// The step of CoderTraining with those gradients by plain operations: what it is compared with.
class DenseTraining {
 public:
  DenseTraining(const CoderWeights& weights, SparseTerms terms, TrainingSettings settings);
  double step(const Tensor& inputs, const DeadLatents& dead = {});
  const CoderWeights& weights() const { return weights_; }

 private:
  CoderWeights weights_;
  SparseTerms terms_;
  TrainingSettings settings_;
  std::vector<std::vector<Tensor>> moments_;
  std::int64_t step_ = 0;
};
} // namespace reference

/// What a step reads beside its inputs.
SparseBatch sparse_batch(const Tensor& inputs, const Tensor& bias);

} // namespace latticelens
