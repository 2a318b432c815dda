#include "sae/baselines.h"

#include "core/error.h"
#include "sae/check_coder.h"
#include "sae/reconstruction_metrics.h"
#include "sae/reference_encode.h"
#include "tests/sae/random_coder.h"
#include "tests/support.h"
#include <ATen/Parallel.h>
#include <cmath>

namespace latticelens {
namespace {

using testing::normal;

TEST(Baselines, principal_components_reconstruct_as_the_spectrum_says) {
  const Tensor x = testing::random_inputs(500, 20);
  const Spectrum spectrum = spectrum_of(x);
  const Tensor wide = x.to(at::kDouble), centred = wide - wide.mean(0);
  const Tensor directions = std::get<2>(at::linalg_svd(centred, /*full_matrices=*/false)); // rows
  for (const std::int64_t k : {0, 1, 7, 20, 99}) {
    const Tensor kept = directions.narrow(0, 0, std::min<std::int64_t>(k, 20));
    const Tensor residual = centred - at::mm(at::mm(centred, kept.t()), kept);
    const double expected = (residual.square().sum() / centred.square().sum()).item<double>();
    EXPECT_NEAR(principal_fvu(spectrum, k), expected, 1e-12) << k;
  }
  EXPECT_ERROR(principal_fvu(spectrum, -1), "choose 0 or more");
}

TEST(Baselines, the_spectrum_is_the_covariances) {
  // More rows than are summed at once, more columns than a strip has.
  const Tensor x = testing::random_inputs(5000, 70);
  const Tensor wide = x.to(at::kDouble), centred = wide - wide.mean(0);
  const Tensor values = std::get<0>(at::linalg_eigh(at::mm(centred.t(), centred) / 5000.0)).flip(0);
  const Spectrum spectrum = spectrum_of(x);
  EXPECT_EQ(spectrum.tokens, 5000);
  EXPECT_TRUE(at::tensor(spectrum.values, at::kDouble).allclose(values, 1e-9, 1e-9));
}

TEST(Baselines, ranks_of_known_spectra) {
  const Spectrum even = {.values = {2, 2, 2, 2, 0}}, one = {.values = {3, 0, 0}},
                 none = {.values = {0, 0}}, steps = {.values = {3, 1}};
  EXPECT_NEAR(participation_ratio(even), 4, 1e-12);
  EXPECT_NEAR(effective_rank(even), 4, 1e-12);
  EXPECT_EQ(participation_ratio(one), 1);
  EXPECT_EQ(effective_rank(one), 1);
  EXPECT_EQ(participation_ratio(none), 0);
  EXPECT_EQ(effective_rank(none), 0);
  EXPECT_NEAR(participation_ratio(steps), 1.6, 1e-12);
  EXPECT_NEAR(effective_rank(steps), std::pow(0.75, -0.75) * std::pow(0.25, -0.25), 1e-12);
}

TEST(Baselines, data_in_few_directions_have_that_rank) {
  const Tensor x = at::mm(normal({400, 3}, 1), normal({3, 30}, 2));
  const Spectrum spectrum = spectrum_of(x);
  EXPECT_LT(principal_fvu(spectrum, 3), 1e-12);
  EXPECT_GT(principal_fvu(spectrum, 2), 1e-3);
  EXPECT_LE(effective_rank(spectrum), 3 + 1e-9);
  EXPECT_LE(participation_ratio(spectrum), effective_rank(spectrum));
}

TEST(Baselines, a_random_dictionary_is_tied_and_of_unit_norm) {
  const Coder coder = random_dictionary(300, normal({24}, 4), 5, /*seed=*/1);
  check_coder(coder, "here");
  EXPECT_TRUE(coder.weights.decoder.norm(2, {1}).allclose(at::ones({300}), 0, 1e-6));
  EXPECT_TRUE(coder.weights.encoder.equal(coder.weights.decoder));
  EXPECT_LT(coder.weights.decoder.mean(0).norm().item<double>(), 0.15); // uniform: 1 / sqrt(300)
  EXPECT_FALSE(coder.weights.decoder.equal(
      random_dictionary(300, normal({24}, 4), 5, /*seed=*/2).weights.decoder));
}

TEST(Baselines, the_random_dictionarys_fvu_is_that_of_its_reconstructions) {
  const Tensor x = testing::random_inputs(1200, 24);
  const RandomDictionaryFit fit = random_dictionary_fit(x, 300, 5, /*seed=*/1);
  const Coder coder = random_dictionary(300, x.to(at::kDouble).mean(0), 5, /*seed=*/1);
  const Codes codes = reference::encode(coder, x);
  MetricSums sums(24, 300), scaled(24, 300);
  sums.add(x, reference::decode(coder, codes), codes);
  const Codes shorter = {codes.indices, (codes.values * fit.factor).to(at::kFloat)};
  scaled.add(x, reference::decode(coder, shorter), shorter);
  EXPECT_NEAR(fit.fvu, sums.result().fit.fvu_dataset, 1e-6);
  EXPECT_NEAR(fit.fvu_scaled, scaled.result().fit.fvu_dataset, 1e-6);
  EXPECT_LT(fit.fvu_scaled, fit.fvu);
}

TEST(Baselines, threads_change_no_bit) {
  const Tensor x = testing::random_inputs(3000, 150);
  const int before = at::get_num_threads();
  at::set_num_threads(1);
  const Spectrum one = spectrum_of(x);
  const RandomDictionaryFit fit_of_one = random_dictionary_fit(x, 300, 5, /*seed=*/1);
  at::set_num_threads(3);
  const Spectrum three = spectrum_of(x);
  const RandomDictionaryFit fit_of_three = random_dictionary_fit(x, 300, 5, /*seed=*/1);
  at::set_num_threads(before);
  EXPECT_EQ(one.values, three.values);
  EXPECT_EQ(fit_of_one.fvu, fit_of_three.fvu);
  EXPECT_EQ(fit_of_one.factor, fit_of_three.factor);
}

TEST(Baselines, refuse_nothing_and_what_is_not_finite) {
  EXPECT_ERROR(spectrum_of(at::zeros({0, 3})), "needs activations");
  EXPECT_ERROR(spectrum_of(at::full({2, 3}, INFINITY)), "not finite");
  EXPECT_ERROR(random_dictionary_fit(at::zeros({0, 3}), 9, 2, 1), "needs activations");
  EXPECT_ERROR(random_dictionary_fit(at::ones({2, 3}), 9, 10, 1), "k is 10");
}

} // namespace
} // namespace latticelens
