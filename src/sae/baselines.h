// What reconstructs without having learned anything: figures to read a coder's fvu beside.
#pragma once
#include "sae/coder.h"
#include <cstdint>
#include <vector>

namespace latticelens {

/// Eigenvalues of activations' covariance: (1/N) Σ (x - mean)(x - mean)ᵀ in fp64.
struct Spectrum {
  std::vector<double> values; // falling, none negative
  std::int64_t tokens = 0;
};

/// x [N, d] fp32, scaled as the coder's inputs. The same bytes at any thread count. Errors: no
/// rows, a value that is not finite.
Spectrum spectrum_of(const Tensor& x);

/// fvu_dataset of the best reconstruction out of k directions, x^ = mean + V Vᵀ (x - mean) with the
/// first k principal components of the same data: Σ of the values after the k-th / Σ of all. k may
/// be more than d. Error: k is negative.
double principal_fvu(const Spectrum& spectrum, std::int64_t k);

/// (Σ λ)² / Σ λ²: d for equal variances, 1 for one direction; 0 for none.
double participation_ratio(const Spectrum& spectrum);

/// exp of the entropy of λ / Σ λ (https://doi.org/10.5281/zenodo.40328, of the covariance); 0 where
/// nothing varies.
double effective_rank(const Spectrum& spectrum);

/// A dictionary that was never trained: decoder rows uniform on the sphere, from `seed`, the
/// encoder the same matrix, no encoder bias, b_dec as given [d], top-k on inputs as they are.
Coder random_dictionary(std::int64_t latents, const Tensor& bias, std::int64_t k,
                        std::uint64_t seed);

struct RandomDictionaryFit {
  double fvu = 0;        // fvu_dataset
  double fvu_scaled = 0; // the same after all latents are multiplied by one factor, the best
  double factor = 0;
};

/// `random_dictionary` about the mean of x [N, d], on x itself, by the reference encoder on one
/// thread (the same bytes at any number): a few thousand tokens are enough, and 12288 latents of
/// width 768 take seconds for them. Errors: as spectrum_of; k outside 1 .. latents.
RandomDictionaryFit random_dictionary_fit(const Tensor& x, std::int64_t latents, std::int64_t k,
                                          std::uint64_t seed);

} // namespace latticelens
