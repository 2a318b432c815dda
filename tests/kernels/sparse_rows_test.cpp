#include "kernels/sparse_rows.h"

#include <cmath>
#include <gtest/gtest.h>
#include <random>
#include <vector>

namespace latticelens {
namespace {

std::vector<float> normals(std::size_t count, unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal;
  std::vector<float> values(count);
  for (float& value : values)
    value = normal(random);
  return values;
}

TEST(SparseRows, dot_and_add_equal_the_reference_at_any_length) {
  for (const std::size_t count : {0u, 1u, 15u, 16u, 17u, 64u, 100u, 1003u}) {
    const auto x = normals(count, 1);
    auto y = normals(count, 2), sum = y;
    EXPECT_NEAR(dot(x, y), reference::dot(x, y), 1e-4) << count;
    add_scaled(-1.5f, x, sum);
    for (std::size_t i = 0; i < count; ++i)
      EXPECT_NEAR(sum[i], y[i] - 1.5f * x[i], 1e-6);
    scale(2.5f, sum);
    for (std::size_t i = 0; i < count; ++i)
      EXPECT_NEAR(sum[i], 2.5f * (y[i] - 1.5f * x[i]), 4e-6);
  }
}

TEST(SparseRows, gradients_equal_the_reference_and_stop_at_zeros) {
  for (const std::size_t width : {1u, 7u, 64u, 130u}) {
    const std::size_t batch = 9;
    const auto inputs = normals(batch * width, 1), first = normals(batch * width, 2),
               second = normals(batch * width, 3), row = normals(width, 4);
    const float* const gradients[] = {first.data(), second.data()};
    const UsedBatch used{inputs.data(), gradients, static_cast<std::int64_t>(width)};
    const std::vector<LatentUse> uses = {{0, 0, 1.5f}, {3, 1, 0.25f}, {3, 0, 0}, {8, 1, 2}};
    std::vector<float> decoder(width, 9), encoder(width, 9), decoder_wanted(width),
        encoder_wanted(width);
    const float bias = latent_gradients(used, uses, row, decoder, encoder),
                wanted =
                    reference::latent_gradients(used, uses, row, decoder_wanted, encoder_wanted);
    EXPECT_NEAR(bias, wanted, 1e-4);
    for (std::size_t i = 0; i < width; ++i) {
      EXPECT_NEAR(decoder[i], decoder_wanted[i], 1e-4);
      EXPECT_NEAR(encoder[i], encoder_wanted[i], 1e-3);
    }
  }
}

} // namespace
} // namespace latticelens
