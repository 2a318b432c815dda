#include "transforms/input_fit.h"

#include "tensor/single_thread.h"
#include "transforms/hadamard_matrix.h"
#include <ATen/ATen.h>
#include <cmath>

namespace latticelens {
namespace {

constexpr double ridge = 0.01; // of the mean diagonal

Tensor normalised_hadamard(std::int64_t size) {
  return hadamard_matrix(size) / std::sqrt(static_cast<double>(size));
}

/// A with A Aᵀ = moments + ridge; a block of zeros counts as the identity.
Tensor root_of(const Tensor& moments) {
  const std::int64_t size = moments.size(1);
  const Tensor mean = moments.diagonal(0, 1, 2).mean(1).view({-1, 1, 1}),
               identity = at::eye(size, at::kDouble).unsqueeze(0);
  const Tensor empty = mean <= 0;
  const Tensor damped =
      at::where(empty, identity, moments + identity * at::where(empty, 1.0, ridge * mean));
  return at::linalg_cholesky(damped);
}

} // namespace

Tensor fit_hadamard(const BlockMoments& moments) {
  const std::int64_t blocks = moments.inputs.size(0), size = moments.inputs.size(1);
  return normalised_hadamard(size).expand({blocks, size, size}).to(at::kFloat).contiguous();
}

Tensor fit_aware(const BlockMoments& moments) {
  const SingleThreadMkl one_thread; // the same bytes at any number of threads
  const Tensor a = root_of(moments.inputs), b = root_of(moments.weights);
  const auto [u, s, v] = at::linalg_svd(at::bmm(b.transpose(1, 2), a));
  const Tensor scaled = s.pow(-0.5).unsqueeze(2) * at::bmm(u.transpose(1, 2), b.transpose(1, 2));
  const std::int64_t size = a.size(1);
  const Tensor hadamard = normalised_hadamard(size).expand({a.size(0), size, size});
  return at::bmm(hadamard, scaled).transpose(1, 2).to(at::kFloat).contiguous();
}

} // namespace latticelens
