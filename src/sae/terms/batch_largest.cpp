#include "sae/terms/batch_largest.h"

#include "kernels/candidates.h"
#include <ATen/ATen.h>

namespace latticelens {

std::int64_t batch_room(std::int64_t k, std::int64_t latents) {
  constexpr std::int64_t times_the_mean = 8;
  return std::min(times_the_mean * k, latents);
}

BatchLargest batch_largest(const Codes& largest, std::int64_t k) {
  const std::int64_t batch = largest.indices.size(0), room = largest.indices.size(1),
                     kept = std::min(k * batch, batch * room);
  const float* const values = largest.values.const_data_ptr<float>();
  std::vector<Candidate>
      all; // places say input and latent, so that of equal values the first stays
  for (std::int64_t i = 0; i < batch * room; ++i)
    if (values[i] > 0)
      all.push_back({values[i], static_cast<std::int32_t>(i)});
  if (std::ssize(all) > kept) {
    std::nth_element(all.begin(), all.begin() + kept, all.end());
    all.resize(static_cast<std::size_t>(kept));
  }
  BatchLargest result{{largest.indices, at::zeros_like(largest.values)}, 0};
  float* const to = result.codes.values.mutable_data_ptr<float>();
  for (const Candidate& one : all) {
    to[one.place] = one.score;
    result.threshold = result.threshold == 0 ? one.score : std::min(result.threshold, one.score);
  }
  return result;
}

} // namespace latticelens
