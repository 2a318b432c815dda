#include "sae/baselines.h"

#include "core/error.h"
#include "core/random.h"
#include "sae/reference_encode.h"
#include "tensor/single_thread.h"
#include "tensor/total.h"
#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>

namespace latticelens {
namespace {

constexpr std::int64_t strip_width = 64;    // columns of the covariance that a thread computes
constexpr std::int64_t rows_at_once = 4096; // in fp64

void check_inputs(const Tensor& x) {
  require(x.dim() == 2 && x.size(0) > 0 && x.size(1) > 0, "sae",
          "a baseline needs activations [tokens, width]; give it some");
  require(at::isfinite(x).all().item<bool>(), "sae",
          "the activations have values that are not finite; look at the model and its dtype");
}

/// [d] fp64.
Tensor mean_of(const Tensor& x) {
  Tensor sums = at::zeros({x.size(1)}, at::kDouble);
  for (std::int64_t i = 0; i < x.size(0); i += rows_at_once)
    sums += x.narrow(0, i, std::min(rows_at_once, x.size(0) - i))
                .to(at::kDouble)
                .t()
                .contiguous()
                .sum(1);
  return sums / static_cast<double>(x.size(0));
}

/// Rows of x about the mean, in fp64.
Tensor centred(const Tensor& x, const Tensor& mean, std::int64_t first) {
  return x.narrow(0, first, std::min(rows_at_once, x.size(0) - first)).to(at::kDouble) - mean;
}

/// Each strip of columns is a product on one thread, so that threads change nothing.
void add_products(Tensor& covariance, const Tensor& rows) {
  const std::int64_t width = rows.size(1), strips = (width + strip_width - 1) / strip_width;
  const Tensor turned = rows.t();
  at::parallel_for(0, strips, 1, [&](std::int64_t begin, std::int64_t end) {
    const SingleThreadMkl single;
    for (std::int64_t strip = begin; strip < end; ++strip) {
      const std::int64_t first = strip * strip_width,
                         columns = std::min(strip_width, width - first);
      covariance.narrow(1, first, columns).add_(at::mm(turned, rows.narrow(1, first, columns)));
    }
  });
}

/// Standard normal numbers, the same on every machine but for the last bit of libm.
Tensor normal_matrix(std::int64_t rows, std::int64_t width, std::uint64_t seed) {
  Random random(derived_seed(seed, "random dictionary"));
  Tensor matrix = at::empty({rows, width});
  float* values = matrix.mutable_data_ptr<float>();
  for (std::int64_t i = 0; i < matrix.numel(); ++i) {
    const double length = std::sqrt(-2 * std::log(1 - random.uniform())); // Box and Muller
    values[i] = static_cast<float>(length * std::cos(2 * std::numbers::pi * random.uniform()));
  }
  return matrix;
}

double sum_of(const Spectrum& spectrum) {
  return std::accumulate(spectrum.values.begin(), spectrum.values.end(), 0.0);
}

} // namespace

Spectrum spectrum_of(const Tensor& x) {
  check_inputs(x);
  const Tensor mean = mean_of(x);
  Tensor covariance = at::zeros({x.size(1), x.size(1)}, at::kDouble);
  for (std::int64_t i = 0; i < x.size(0); i += rows_at_once)
    add_products(covariance, centred(x, mean, i));
  covariance /= static_cast<double>(x.size(0));
  const SingleThreadMkl single;
  const Tensor values = std::get<0>(at::linalg_eigh(covariance)).contiguous(); // rising
  Spectrum spectrum = {.tokens = x.size(0)};
  for (std::int64_t i = values.numel() - 1; i >= 0; --i)
    spectrum.values.push_back(std::max(0.0, values.const_data_ptr<double>()[i]));
  return spectrum;
}

double principal_fvu(const Spectrum& spectrum, std::int64_t k) {
  require(k >= 0, "sae", "a negative number of principal components; choose 0 or more");
  const auto kept = std::min<std::int64_t>(k, static_cast<std::int64_t>(spectrum.values.size()));
  return std::accumulate(spectrum.values.begin() + kept, spectrum.values.end(), 0.0) /
         sum_of(spectrum);
}

double participation_ratio(const Spectrum& spectrum) {
  double squares = 0;
  for (const double value : spectrum.values)
    squares += value * value;
  const double sum = sum_of(spectrum);
  return squares > 0 ? sum * sum / squares : 0;
}

double effective_rank(const Spectrum& spectrum) {
  const double sum = sum_of(spectrum);
  double entropy = 0;
  for (const double value : spectrum.values)
    if (value > 0)
      entropy -= value / sum * std::log(value / sum);
  return sum > 0 ? std::exp(entropy) : 0;
}

Coder random_dictionary(std::int64_t latents, const Tensor& bias, std::int64_t k,
                        std::uint64_t seed) {
  const Tensor rows = normal_matrix(latents, bias.size(0), seed);
  const Tensor decoder = rows / rows.norm(2, {1}, /*keepdim=*/true);
  return {{.k = k, .scaling = InputScaling::none},
          {.encoder = decoder,
           .encoder_bias = at::zeros({latents}),
           .decoder = decoder,
           .bias = bias.to(at::kFloat)}};
}

RandomDictionaryFit random_dictionary_fit(const Tensor& x, std::int64_t latents, std::int64_t k,
                                          std::uint64_t seed) {
  check_inputs(x);
  require(k >= 1 && k <= latents, "sae",
          "k is " + std::to_string(k) + "; it should be 1 to the " + std::to_string(latents) +
              " latents");
  const SingleThreadMkl single;
  const Tensor mean = mean_of(x);
  const Coder coder = random_dictionary(latents, mean, k, seed);
  double variance = 0, lengths = 0, products = 0; // Σ‖x - mean‖², Σ‖x^ - mean‖², Σ of their product
  constexpr std::int64_t rows = 512;              // dense latents of so many are in memory
  for (std::int64_t i = 0; i < x.size(0); i += rows) {
    const Tensor some = x.narrow(0, i, std::min(rows, x.size(0) - i)).to(at::kFloat);
    const Tensor wide = some.to(at::kDouble) - mean;
    const Tensor made =
        reference::decode(coder, reference::encode(coder, some)).to(at::kDouble) - mean;
    variance += total(wide * wide);
    lengths += total(made * made);
    products += total(wide * made);
  }
  const double factor = lengths > 0 ? products / lengths : 0;
  return {.fvu = (variance - 2 * products + lengths) / variance,
          .fvu_scaled = 1 - factor * products / variance,
          .factor = factor};
}

} // namespace latticelens
