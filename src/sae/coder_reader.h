// Encoding with a trained autoencoder, as its configuration says.
#pragma once
#include "sae/latent_search.h"
#include <memory>

namespace latticelens {

class CoderReader {
 public:
  explicit CoderReader(Coder coder);

  const Coder& coder() const { return coder_; }
  /// x [B, d] as the model gives it -> what is encoded.
  Tensor scaled_inputs(const Tensor& x) const;
  /// Codes of scaled inputs. With thresholds: at most 8 k latents an input, the largest ones.
  Codes encode(const Tensor& inputs) const;
  /// Of scaled inputs.
  Tensor decode(const Codes& codes) const { return latticelens::decode(codes, coder_.weights); }
  /// Reconstructions in the model's own scale [B, d]: what the residual stream is replaced by.
  Tensor reconstruct(const Tensor& x) const;

 private:
  Coder coder_;
  LatentSearch search_;
};

/// The value above which a batch_top_k autoencoder's latents are active: the mean, over batches of
/// scaled inputs, of the smallest value among the k B largest.
double mean_threshold(const CoderWeights& weights, std::int64_t k,
                      const std::vector<Tensor>& batches);

} // namespace latticelens
