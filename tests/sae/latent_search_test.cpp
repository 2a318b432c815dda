#include "sae/latent_search.h"

#include "sae/coder_training.h"
#include <ATen/ATen.h>
#include <gtest/gtest.h>

namespace latticelens {
namespace {

CoderWeights random_weights(std::int64_t latents, std::int64_t width) {
  CoderWeights made = initial_weights(latents, at::zeros({width}), 3);
  at::manual_seed(2);
  made.encoder_bias.copy_(0.3 * at::randn({latents}));
  made.bias.copy_(at::randn({width}));
  return made;
}

TEST(LatentSearch, finds_what_the_definition_gives_for_odd_shapes_and_both_precisions) {
  for (const SearchPrecision precision : {SearchPrecision::bytes, SearchPrecision::fp32})
    for (const std::int64_t latents : {7, 48, 97, 1000})
      for (const std::int64_t width : {3, 16, 65})
        for (const std::int64_t batch : {1, 9, 300}) {
          const CoderWeights weights = random_weights(latents, width);
          LatentSearch search(latents, width, precision);
          search.pack_all(weights.encoder, weights.encoder_bias);
          const Tensor x = at::randn({batch, width});
          const std::int64_t count = std::min<std::int64_t>(latents, 5);
          const Codes found = search.largest(x, weights, count),
                      expected = reference::largest(x, weights, count);
          EXPECT_TRUE(at::allclose(found.values, expected.values, 1e-4, 1e-5))
              << latents << " " << width << " " << batch;
          EXPECT_EQ(missed_latents(x, weights, found), 0);
          EXPECT_TRUE(
              at::allclose(decode(found, weights), reference::decode(found, weights), 1e-4, 1e-5));
        }
}

TEST(LatentSearch, of_equal_latents_the_first_ones_are_active) {
  CoderWeights weights = random_weights(200, 8);
  weights.encoder.copy_(at::ones({200, 8}));
  weights.encoder_bias.zero_();
  LatentSearch search(200, 8, fastest_search());
  search.pack_all(weights.encoder, weights.encoder_bias);
  const Codes found = search.largest(at::ones({2, 8}), weights, 4);
  EXPECT_TRUE(at::equal(found.indices[0], at::arange(4, at::kLong)));
  EXPECT_EQ(found.values[0][0].item<float>(), 8);
}

} // namespace
} // namespace latticelens
