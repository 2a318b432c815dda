#include "transforms/hadamard_matrix.h"

#include "core/error.h"
#include <ATen/ATen.h>
#include <bit>

namespace latticelens {
namespace {

bool is_prime(std::int64_t n) {
  if (n < 2)
    return false;
  for (std::int64_t d = 2; d * d <= n; ++d)
    if (n % d == 0)
      return false;
  return true;
}

bool is_power_of_two(std::int64_t n) {
  return std::has_single_bit(static_cast<std::uint64_t>(n));
}
bool is_paley_one(std::int64_t n) {
  return n % 4 == 0 && is_prime(n - 1);
}
bool is_paley_two(std::int64_t n) {
  return n % 4 == 0 && (n / 2 - 1) % 4 == 1 && is_prime(n / 2 - 1);
}

bool has_base_matrix(std::int64_t n) {
  return n == 1 || is_paley_one(n) || is_paley_two(n);
}

/// Jacobsthal matrix Q[i][j] = 1, -1 or 0 as j - i is a square, no square, or 0 modulo the prime q.
Tensor jacobsthal(std::int64_t q) {
  std::vector<int> character(q, -1);
  for (std::int64_t x = 1; x < q; ++x)
    character[x * x % q] = 1;
  character[0] = 0;
  Tensor matrix = at::empty({q, q}, at::kDouble);
  double* value = matrix.mutable_data_ptr<double>();
  for (std::int64_t i = 0; i < q; ++i)
    for (std::int64_t j = 0; j < q; ++j)
      *value++ = character[(j - i + q) % q];
  return matrix;
}

/// [[0, 1...], [±1..., Q]]: skew-symmetric for q = 3 mod 4, symmetric for q = 1 mod 4.
Tensor conference(std::int64_t q) {
  Tensor matrix = at::zeros({q + 1, q + 1}, at::kDouble);
  matrix[0].slice(0, 1).fill_(1);
  matrix.slice(0, 1).select(1, 0).fill_(q % 4 == 3 ? -1 : 1);
  matrix.slice(0, 1).slice(1, 1).copy_(jacobsthal(q));
  return matrix;
}

Tensor two_by_two(double a, double b, double c, double d) {
  return at::tensor({a, b, c, d}, at::kDouble).view({2, 2});
}

Tensor base_matrix(std::int64_t n) {
  if (n == 1)
    return at::ones({1, 1}, at::kDouble);
  if (is_power_of_two(n)) {
    Tensor matrix = at::ones({1, 1}, at::kDouble);
    while (matrix.size(0) < n)
      matrix = at::kron(two_by_two(1, 1, 1, -1), matrix);
    return matrix;
  }
  if (is_paley_one(n))
    return at::eye(n, at::kDouble) + conference(n - 1);
  const Tensor c = conference(n / 2 - 1);
  return at::kron(c, two_by_two(1, 1, 1, -1)) +
         at::kron(at::eye(n / 2, at::kDouble), two_by_two(1, -1, -1, -1));
}

} // namespace

std::vector<std::int64_t> hadamard_factors(std::int64_t n) {
  if (n < 1)
    return {};
  std::int64_t dense =
      n >> std::countr_zero(static_cast<std::uint64_t>(n)); // smallest order with a construction
  while (dense <= n && !has_base_matrix(dense))
    dense *= 2;
  if (dense > n)
    return {};
  std::vector<std::int64_t> factors = {dense};
  for (std::int64_t rest = n / dense; rest > 1; rest /= factors.back())
    factors.push_back(std::min<std::int64_t>(rest, 64));
  return factors;
}

Tensor hadamard_matrix(std::int64_t n) {
  const std::vector<std::int64_t> factors = hadamard_factors(n);
  require(!factors.empty(), "hadamard",
          "no Hadamard matrix of order " + std::to_string(n) +
              " can be constructed here; use a block size that is a power of two");
  Tensor matrix = at::ones({1, 1}, at::kDouble);
  for (const std::int64_t factor : factors)
    matrix = at::kron(matrix, base_matrix(factor));
  return matrix;
}

} // namespace latticelens
