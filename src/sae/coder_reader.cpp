#include "sae/coder_reader.h"

#include "core/error.h"
#include "sae/activation_stream.h"
#include "sae/terms/batch_largest.h"
#include <ATen/ATen.h>

namespace latticelens {

CoderReader::CoderReader(Coder coder)
    : coder_(std::move(coder)),
      search_(coder_.weights.latents(), coder_.weights.width(), fastest_search()) {
  search_.pack_all(coder_.weights.encoder, coder_.weights.encoder_bias);
}

Tensor CoderReader::scaled_inputs(const Tensor& x) const {
  return scaled(x, coder_.config.scaling, coder_.config.input_factor).contiguous();
}

Codes CoderReader::encode(const Tensor& inputs) const {
  const CoderWeights& weights = coder_.weights;
  const CoderConfig& config = coder_.config;
  const Tensor centred = (inputs - weights.bias).contiguous();
  if (config.selection == Selection::top_k)
    return search_.largest(centred, weights, std::min(config.k, weights.latents()));
  require(config.thresholds.defined(), "sae",
          "the autoencoder's thresholds are not known; train it to its end");
  Codes codes = search_.largest(centred, weights, batch_room(config.k, weights.latents()));
  const Tensor bars =
      config.thresholds.numel() == 1
          ? config.thresholds
          : config.thresholds.index_select(0, codes.indices.flatten()).view(codes.indices.sizes());
  codes.values = codes.values * (codes.values > bars);
  return codes;
}

Tensor CoderReader::reconstruct(const Tensor& x) const {
  const Tensor made = decode(encode(scaled_inputs(x)));
  switch (coder_.config.scaling) {
  case InputScaling::none:
    return made;
  case InputScaling::mean_norm:
    return made / coder_.config.input_factor;
  case InputScaling::unit_norm:
    return made * x.norm(2, {-1}, true);
  }
  throw Error("sae", "no such scaling");
}

double mean_threshold(const CoderWeights& weights, std::int64_t k,
                      const std::vector<Tensor>& batches) {
  LatentSearch search(weights.latents(), weights.width(), fastest_search());
  search.pack_all(weights.encoder, weights.encoder_bias);
  double sum = 0;
  for (const Tensor& inputs : batches)
    sum += batch_largest(search.largest((inputs - weights.bias).contiguous(), weights,
                                        batch_room(k, weights.latents())),
                         k)
               .threshold;
  return batches.empty() ? 0 : sum / static_cast<double>(batches.size());
}

} // namespace latticelens
