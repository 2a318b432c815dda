// What a model loses when its activations at a site are replaced by an autoencoder's
// reconstructions: loss recovered.
#pragma once
#include "core/json.h"
#include "sae/activation_stream.h"
#include "sae/coder_reader.h"

namespace latticelens {

/// Means over all predictions, in nats. Zero: the site's activations are zero instead.
struct SubstitutionLoss {
  std::int64_t predictions = 0;
  double original = 0, substituted = 0, zero = 0; // cross-entropy of the next token
  double kl = 0, zero_kl = 0; // KL(original || substituted), KL(original || zero)
  /// (zero - substituted) / (zero - original): 1 nothing is lost, 0 as bad as zero; NaN: zero loses
  /// nothing.
  double recovered() const;
  double recovered_kl() const { return zero_kl > 0 ? 1 - kl / zero_kl : 0; }
};
Json to_json(const SubstitutionLoss& loss);

/// The whole model in memory.
class Substitution {
 public:
  Substitution(const Model& model, ActivationSite site, std::int64_t longest_window);

  /// Activations of tokens that the sampling leaves out (BOS) stay as they are. Reconstructions are
  /// in the model's own scale.
  SubstitutionLoss measure(const CoderReader& coder, const std::vector<TextWindow>& windows) const;

 private:
  Tensor log_probabilities(const Tensor& x) const;
  Tensor after_site(const Tensor& x) const;

  const Model& model_;
  ActivationSite site_;
  Rope rope_;
  Tensor embedding_;
  std::vector<Block> blocks_;
  Norm norm_;
  Linear head_;
};

} // namespace latticelens
