// A sparse autoencoder: latents z = select(ReLU(W_enc (x - b_dec) + b_enc)), reconstruction
// x^ = W_decᵀ z + b_dec (paper 001, equations 1 and 2, whose b_pre is b_dec here as in the field's
// files).
#pragma once
#include "tensor/tensor.h"
#include <cstdint>
#include <string>

namespace latticelens {

/// fp32 on the CPU, contiguous. d: width of the activations, n: latents.
struct CoderWeights {
  Tensor encoder;      // [n, d]: row j reads latent j
  Tensor encoder_bias; // [n]
  Tensor decoder;      // [n, d]: row j is what latent j writes, of unit norm while it is trained
  Tensor bias;         // [d], b_dec
  Tensor log_thresholds = {}; // [n] while thresholds are trained; then CoderConfig has them

  std::int64_t latents() const { return encoder.size(0); }
  std::int64_t width() const { return encoder.size(1); }
};

/// How inputs are scaled before they are encoded; reconstructions are of what is scaled.
enum class InputScaling {
  none,
  unit_norm, // x / ‖x‖₂, the paper's; zero stays zero
  mean_norm, // x times one number, so that the mean of ‖x‖₂ over the first data is sqrt(d)
};

/// Which latents of ReLU's stay.
enum class Selection {
  top_k,       // the k largest of each input
  batch_top_k, // the k B largest of a batch of B; afterwards those above a threshold
  threshold,   // those above each latent's own threshold (JumpReLU)
};

/// What a trained autoencoder is beside its weights: all that encoding needs, and where it belongs.
struct CoderConfig {
  Selection selection = Selection::top_k;
  std::int64_t k = 32;
  Tensor thresholds = {}; // [n] with Selection::threshold, [1] with batch_top_k once it is known
  InputScaling scaling = InputScaling::unit_norm;
  double input_factor = 1; // of mean_norm
  /// Where the activations come from: a model folder's name, and the site, "block:6" being the
  /// residual stream after six blocks.
  std::string model, site;
  std::int64_t site_block = 0; // blocks before the site
};

struct Coder {
  CoderConfig config;
  CoderWeights weights;
};

} // namespace latticelens
