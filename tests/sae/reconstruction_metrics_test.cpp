#include "sae/reconstruction_metrics.h"

#include "core/error.h"
#include "sae/reference_encode.h"
#include "tests/sae/random_coder.h"
#include "tests/support.h"
#include <ATen/Parallel.h>
#include <cmath>

namespace latticelens {
namespace {

constexpr std::int64_t latents = 50, width = 12, tokens = 700, window = 256;

/// Tokens of a coder that reconstructs them badly.
struct Data {
  Tensor x, reconstruction;
  Codes codes;
};

Data random_data() {
  const Coder coder = testing::random_coder(latents, width, {.k = 4});
  const Tensor x = reference::scale_inputs(coder.config, testing::random_inputs(tokens, width));
  Codes codes = reference::encode(coder, x);
  return {x, reference::decode(coder, codes), std::move(codes)};
}

ReconstructionMetrics measured(const Data& data, std::int64_t batch) {
  MetricSums sums(width, latents, window);
  for (std::int64_t i = 0; i < data.x.size(0); i += batch) {
    const std::int64_t rows = std::min(batch, data.x.size(0) - i);
    sums.add(data.x.narrow(0, i, rows), data.reconstruction.narrow(0, i, rows),
             {data.codes.indices.narrow(0, i, rows), data.codes.values.narrow(0, i, rows)});
  }
  return sums.result();
}

double number(const Tensor& tensor) {
  return tensor.to(at::kDouble).item<double>();
}

Tensor squares(const Tensor& matrix) {
  return matrix.square().sum(1);
}

/// Mean over batches of `window` tokens, weighted by them.
template<typename OfBatch>
double mean_of_batches(const Tensor& x, const Tensor& e, const OfBatch& of_batch) {
  double sum = 0;
  for (std::int64_t i = 0; i < x.size(0); i += window) {
    const std::int64_t rows = std::min(window, x.size(0) - i);
    sum += number(of_batch(x.narrow(0, i, rows), e.narrow(0, i, rows))) * static_cast<double>(rows);
  }
  return sum / static_cast<double>(x.size(0));
}

TEST(ReconstructionMetrics, fits_are_the_plain_formulas) {
  const Data data = random_data();
  const Tensor x = data.x.to(at::kDouble), made = data.reconstruction.to(at::kDouble), e = x - made;
  const ReconstructionFit fit = measured(data, 64).fit;
  const double near = 1e-12;
  EXPECT_EQ(fit.tokens, tokens);
  EXPECT_EQ(fit.window, window);
  EXPECT_EQ(fit.left_out, 0);
  EXPECT_NEAR(fit.fvu_batch,
              mean_of_batches(x, e,
                              [](const Tensor& some, const Tensor& error) {
                                return squares(error).sum() / squares(some - some.mean(0)).sum();
                              }),
              near);
  EXPECT_NEAR(fit.ev_token_mean,
              mean_of_batches(x, e,
                              [](const Tensor& some, const Tensor& error) {
                                return (1 - squares(error) / squares(some - some.mean(0))).mean();
                              }),
              near * 100);
  const Tensor variance = squares(x - x.mean(0)).sum();
  EXPECT_NEAR(fit.fvu_dataset, number(squares(e).sum() / variance), near);
  EXPECT_NEAR(fit.fvu_centred_residual, number(e.var(0, false).sum() / x.var(0, false).sum()),
              near);
  EXPECT_NEAR(fit.nmse_uncentred, number((squares(e) / squares(x)).mean()), near);
  EXPECT_NEAR(fit.mse, number(e.square().mean()), near);
  EXPECT_NEAR(fit.cosine, number(at::cosine_similarity(x, made).mean()), near);
  EXPECT_NEAR(fit.l2_ratio, number((made.norm(2, {1}) / x.norm(2, {1})).mean()), near);
  EXPECT_NEAR(fit.relative_reconstruction_bias, number(squares(made).sum() / (x * made).sum()),
              near);
}

TEST(ReconstructionMetrics, sparsity_is_the_plain_formula) {
  const Data data = random_data();
  const Tensor dense =
      at::zeros({tokens, latents}).scatter_add_(1, data.codes.indices, data.codes.values);
  const Tensor frequencies = (dense > 0).to(at::kDouble).mean(0);
  const Sparsity sparsity = measured(data, 64).sparsity;
  EXPECT_NEAR(sparsity.l0, number((dense > 0).sum(1).to(at::kDouble).mean()), 1e-12);
  EXPECT_NEAR(sparsity.l1, number(dense.to(at::kDouble).sum(1).mean()), 1e-12);
  EXPECT_EQ(sparsity.dead, number((frequencies == 0).to(at::kDouble).mean()));
  EXPECT_EQ(sparsity.above_1_percent, number((frequencies > 0.01).to(at::kDouble).mean()));
  EXPECT_EQ(sparsity.above_10_percent, number((frequencies > 0.1).to(at::kDouble).mean()));
  std::int64_t alive = 0;
  for (std::size_t bin = 0; bin < histogram_bins; ++bin) {
    const double begin = histogram_start + (static_cast<double>(bin) - 1) * histogram_step;
    const Tensor logs = frequencies.log10();
    Tensor inside = logs >= begin;
    if (bin + 1 < histogram_bins)
      inside = inside & (logs < begin + histogram_step);
    EXPECT_EQ(sparsity.histogram[bin], inside.sum().item<std::int64_t>()) << bin;
    alive += sparsity.histogram[bin];
  }
  EXPECT_EQ(alive, (frequencies > 0).sum().item<std::int64_t>());
}

TEST(ReconstructionMetrics, frequencies_fall_into_their_bins) {
  MetricSums sums(1, 4);
  // Latent 0 fires always, 1 on a tenth of the tokens, 2 on a hundredth, 3 never.
  Tensor values = at::zeros({100, 4});
  values.select(1, 0).fill_(1);
  values.select(1, 1).narrow(0, 0, 10).fill_(1);
  values.select(1, 2).narrow(0, 0, 1).fill_(1);
  const Tensor x = testing::normal({100, 1}, 3);
  sums.add(x, x, {at::arange(4).expand({100, 4}), values});
  const Sparsity sparsity = sums.result().sparsity;
  EXPECT_EQ(sparsity.histogram[32], 1);
  EXPECT_EQ(sparsity.histogram[29], 1); // begins at -1
  EXPECT_EQ(sparsity.histogram[25], 1); // begins at -2
  EXPECT_EQ(sparsity.dead, 0.25);
  EXPECT_EQ(sparsity.above_10_percent, 0.25); // a tenth is not more than a tenth
  EXPECT_EQ(sparsity.above_1_percent, 0.5);
  EXPECT_EQ(sparsity.tokens, 100);
}

TEST(ReconstructionMetrics, neither_batches_nor_threads_change_a_bit) {
  const Data data = random_data();
  const std::string whole = to_text(to_json(measured(data, tokens)));
  const int before = at::get_num_threads();
  for (const int threads : {1, 3}) {
    at::set_num_threads(threads);
    for (const std::int64_t batch : {1, 17, 256, 300})
      EXPECT_EQ(to_text(to_json(measured(data, batch))), whole);
  }
  at::set_num_threads(before);
}

TEST(ReconstructionMetrics, looking_in_between_changes_nothing) {
  const Data data = random_data();
  MetricSums sums(width, latents, window);
  for (std::int64_t i = 0; i < tokens; i += 100) {
    sums.add(data.x.narrow(0, i, 100), data.reconstruction.narrow(0, i, 100),
             {data.codes.indices.narrow(0, i, 100), data.codes.values.narrow(0, i, 100)});
    sums.result();
  }
  EXPECT_EQ(to_text(to_json(sums.result())), to_text(to_json(measured(data, tokens))));
}

TEST(ReconstructionMetrics, a_large_mean_costs_no_digits) {
  Data data = random_data();
  const double small = measured(data, 64).fit.fvu_dataset;
  data.x = data.x + 4096;
  data.reconstruction = data.reconstruction + 4096;
  const Tensor x = data.x.to(at::kDouble), e = x - data.reconstruction.to(at::kDouble);
  const double expected = number(squares(e).sum() / squares(x - x.mean(0)).sum());
  EXPECT_NEAR(measured(data, 64).fit.fvu_dataset, expected, 1e-11);
  EXPECT_NEAR(expected, small, 1e-2); // fp32 itself rounds
}

TEST(ReconstructionMetrics, a_perfect_reconstruction) {
  Data data = random_data();
  data.reconstruction = data.x;
  const ReconstructionFit fit = measured(data, 64).fit;
  EXPECT_EQ(fit.fvu_batch, 0);
  EXPECT_EQ(fit.fvu_dataset, 0);
  EXPECT_EQ(fit.ev_token_mean, 1);
  EXPECT_NEAR(fit.cosine, 1, 1e-12);
  EXPECT_EQ(fit.relative_reconstruction_bias, 1);
}

TEST(ReconstructionMetrics, zero_tokens_are_left_out_of_ratios) {
  Data data = random_data();
  const double nmse = measured(data, 64).fit.nmse_uncentred;
  const auto with_zeros = [](const Tensor& tensor) {
    return at::cat({tensor, at::zeros({3, tensor.size(1)}, tensor.scalar_type())});
  };
  data = {with_zeros(data.x),
          with_zeros(data.reconstruction),
          {with_zeros(data.codes.indices), with_zeros(data.codes.values)}};
  const ReconstructionFit fit = measured(data, 64).fit;
  EXPECT_EQ(fit.nmse_uncentred, nmse);
  EXPECT_EQ(fit.left_out, 3);
  EXPECT_TRUE(std::isfinite(fit.cosine));
}

TEST(ReconstructionMetrics, without_variance_a_fraction_of_it_is_null) {
  MetricSums sums(2, 3);
  const Tensor x = at::ones({4, 2});
  sums.add(x, x, {at::zeros({4, 1}, at::kLong), at::ones({4, 1})});
  EXPECT_NE(to_text(to_json(sums.result())).find("\"fvu_dataset\":null"), std::string::npos);
}

TEST(ReconstructionMetrics, refuses_what_does_not_belong_together) {
  MetricSums sums(2, 3);
  const Tensor x = at::ones({4, 2}), index = at::zeros({4, 1}, at::kLong), one = at::ones({4, 1});
  EXPECT_ERROR(sums.result(), "no tokens");
  EXPECT_ERROR(sums.add(at::ones({4, 3}), x, {index, one}), "another shape");
  EXPECT_ERROR(sums.add(x, at::ones({3, 2}), {index, one}), "another shape");
  EXPECT_ERROR(sums.add(x, x, {index, at::ones({4, 2})}), "differ in shape");
  EXPECT_ERROR(sums.add(x, x * NAN, {index, one}), "not finite");
  EXPECT_ERROR(sums.add(x, x, {index + 3, one}), "no coder of these latents");
  EXPECT_ERROR(sums.add(x, x, {index - 1, one}), "no coder of these latents");
  EXPECT_ERROR(sums.add(x, x, {index, -one}), "no coder of these latents");
  EXPECT_ERROR(sums.add(x, x, {index, one * NAN}), "no coder of these latents");
}

} // namespace
} // namespace latticelens
