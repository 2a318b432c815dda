#include "transforms/separation.h"

#include "core/error.h"
#include "tests/support.h"
#include "transforms/orthogonal.h"
#include <ATen/ATen.h>
#include <ATen/Parallel.h>

namespace latticelens {
namespace {

Tensor random_rotation(std::int64_t n) {
  return std::get<0>(at::linalg_qr(at::randn({n, n}, at::kDouble)));
}

Tensor random_moments(std::int64_t n) {
  const Tensor factor = at::randn({n, 2 * n}, at::kDouble);
  return at::mm(factor, factor.t()).to(at::kFloat);
}

std::vector<StreamReader> random_readers(std::int64_t count, std::int64_t n) {
  std::vector<StreamReader> readers;
  for (std::int64_t i = 0; i < count; ++i)
    readers.push_back({random_moments(n), random_moments(n)});
  return readers;
}

Tensor none_kept(std::int64_t n) {
  return at::zeros({n}, at::kBool);
}

TEST(Separation, loss_is_the_obvious_one) {
  at::manual_seed(1);
  for (const auto& [n, size] :
       std::vector<std::pair<std::int64_t, std::int64_t>>{{8, 4}, {96, 32}, {100, 20}, {33, 33}}) {
    const auto readers = random_readers(3, n);
    const Tensor rotation = random_rotation(n);
    const double obvious = reference::separation_loss(readers, rotation, size);
    EXPECT_NEAR(separation_at(readers, rotation, size).loss / obvious, 1, 1e-5) << n;
  }
}

TEST(Separation, gradient_is_that_of_differences) {
  at::manual_seed(2);
  const std::int64_t n = 24, size = 8;
  const auto readers = random_readers(2, n);
  const Tensor rotation = random_rotation(n), step = at::randn({n, n}, at::kDouble);
  const double h = 1e-5, slope = (reference::separation_loss(readers, rotation + h * step, size) -
                                  reference::separation_loss(readers, rotation - h * step, size)) /
                                 (2 * h);
  const Tensor gradient = separation_at(readers, rotation, size).gradient.to(at::kDouble);
  EXPECT_NEAR((gradient * step).sum().item<double>() / slope, 1, 1e-4);
}

TEST(Separation, finds_the_directions_that_only_one_side_uses) {
  at::manual_seed(3);
  const std::int64_t n = 64, size = 32;
  const Tensor hidden = random_rotation(n),
               strong = at::cat({at::ones({32}, at::kDouble), at::zeros({32}, at::kDouble)});
  const auto along = [&](const Tensor& energies) {
    return at::mm(hidden * energies, hidden.t()).to(at::kFloat);
  };
  const std::vector<StreamReader> readers = {{along(strong), along(1 - strong)}};
  const double before = reference::separation_loss(readers, at::eye(n, at::kDouble), size);
  const Tensor found = separate(readers, none_kept(n), size, {.count = 300, .rate = 0.1});
  EXPECT_LT(orthogonality_error(found.unsqueeze(0)), 1e-12);
  EXPECT_LT(reference::separation_loss(readers, found, size), 0.01 * before);
}

TEST(Separation, leaves_what_is_kept_where_it_is) {
  at::manual_seed(4);
  const std::int64_t n = 32;
  Tensor kept = none_kept(n);
  kept[3] = true;
  kept[17] = true;
  const Tensor found = separate(random_readers(2, n), kept, 8, {}),
               identity = at::eye(n, at::kDouble);
  for (const std::int64_t channel : {3, 17}) {
    EXPECT_TRUE(at::allclose(found[channel], identity[channel], 0, 1e-14));
    EXPECT_TRUE(at::allclose(found.select(1, channel), identity[channel], 0, 1e-14));
  }
  EXPECT_GT((found - identity).abs().max().item<double>(), 1e-3);
}

TEST(Separation, is_the_same_at_one_and_two_threads) {
  at::manual_seed(5);
  const auto readers = random_readers(2, 192);
  const int before = at::get_num_threads();
  std::vector<Tensor> found;
  for (const int threads : {1, 2}) {
    at::set_num_threads(threads);
    found.push_back(separate(readers, none_kept(192), 32, {.count = 5}));
  }
  at::set_num_threads(before);
  EXPECT_TRUE(at::equal(found[0], found[1]));
}

TEST(Separation, refuses_what_is_not_finite) {
  auto readers = random_readers(1, 8);
  readers[0].inputs[2][2] = std::numeric_limits<float>::infinity();
  EXPECT_ERROR(separate(readers, none_kept(8), 4, {}), "not finite");
}

} // namespace
} // namespace latticelens
