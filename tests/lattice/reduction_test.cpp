#include "lattice/reduction.h"

#include "core/error.h"
#include "lattice/factor.h"
#include "tests/lattice/problems.h"
#include "tests/support.h"
#include <fplll.h>

namespace latticelens {
namespace {
using namespace testing;

/// Basis of inputs with a steep spectrum in a rotated frame.
Tensor steep_basis(std::int64_t n, double exponent, const char* order, double damping = 1e-6) {
  at::manual_seed(n);
  const Tensor spectrum = at::arange(1, n + 1, at::kDouble).pow(-exponent);
  const Tensor rotation = std::get<0>(at::linalg_qr(at::randn({n, n}, at::kDouble)));
  const Tensor x = at::matmul(at::randn({4 * n, n}, at::kDouble) * spectrum, rotation);
  return factor_moments(at::matmul(x.t(), x), {.damping = damping, .order = order}, "test").l;
}

/// Determinant modulo a prime, by elimination: exact.
std::int64_t determinant_modulo(const Tensor& matrix, std::int64_t prime) {
  const std::int64_t n = matrix.size(0);
  std::vector<std::vector<std::int64_t>> rows(n, std::vector<std::int64_t>(n));
  for (std::int64_t i = 0; i < n; ++i)
    for (std::int64_t j = 0; j < n; ++j)
      rows[i][j] = ((matrix[i][j].item<std::int64_t>() % prime) + prime) % prime;
  const auto inverse = [&](std::int64_t a) {
    std::int64_t result = 1, power = a;
    for (std::int64_t e = prime - 2; e > 0; e >>= 1, power = power * power % prime)
      if (e & 1)
        result = result * power % prime;
    return result;
  };
  std::int64_t determinant = 1;
  for (std::int64_t c = 0; c < n; ++c) {
    std::int64_t pivot = c;
    while (pivot < n && rows[pivot][c] == 0)
      ++pivot;
    if (pivot == n)
      return 0;
    if (pivot != c) {
      std::swap(rows[pivot], rows[c]);
      determinant = (prime - determinant) % prime;
    }
    determinant = determinant * rows[c][c] % prime;
    const std::int64_t factor = inverse(rows[c][c]);
    for (std::int64_t i = c + 1; i < n; ++i)
      if (const std::int64_t times = rows[i][c] * factor % prime; times != 0)
        for (std::int64_t j = c; j < n; ++j)
          rows[i][j] = (rows[i][j] + (prime - times) * rows[c][j]) % prime;
  }
  return determinant;
}

void expect_sound(const Tensor& l, const Reduction& reduction, const ReductionOptions& options) {
  const Tensor product = at::matmul(l, reduction.transform.to(at::kDouble));
  const Tensor gram = at::matmul(product.t(), product);
  EXPECT_TRUE(at::allclose(at::matmul(reduction.l.t(), reduction.l), gram, 1e-8,
                           1e-9 * gram.diagonal().max().item<double>()));
  EXPECT_TRUE(at::equal(reduction.l, reduction.l.tril()));
  for (const std::int64_t prime : {1000003LL, 998244353LL}) {
    const std::int64_t determinant = determinant_modulo(reduction.transform, prime);
    EXPECT_TRUE(determinant == 1 || determinant == prime - 1) << determinant;
  }
  const auto fault =
      why_not_reduced(reduction.l, {options.delta - 1e-6, options.depth}, 0.5 + 1e-6);
  EXPECT_FALSE(fault.has_value()) << *fault;
}

TEST(Reduction, gives_a_reduced_basis_of_the_same_lattice_in_every_order_and_depth) {
  for (const std::int64_t n : {1, 2, 3, 40, 64, 65, 130})
    for (const char* order : {"natural", "min-pivot"})
      for (const std::int64_t depth : {1, 5, 32}) {
        const Tensor l = steep_basis(n, 1.5, order);
        const ReductionOptions options{.depth = depth};
        expect_sound(l, reduce_basis(l, options, "test"), options);
      }
}

TEST(Reduction, the_checker_rejects_what_is_not_reduced) {
  const Tensor l = steep_basis(60, 1.5, "natural");
  EXPECT_TRUE(why_not_reduced(l, {}).has_value());
  Tensor longer = at::eye(3, at::kDouble);
  longer[2][0] = 0.6; // the first vector is the last column: r_02 = l[2][... mirrored
  EXPECT_NE(why_not_reduced(longer, {}).value_or("").find("size-reduced"), std::string::npos);
  Tensor falling = at::diag(at::tensor({1.0, 1.0, 2.0}, at::kDouble));
  EXPECT_NE(why_not_reduced(falling, {}).value_or("").find("inserted before"), std::string::npos);
  EXPECT_FALSE(why_not_reduced(at::eye(5, at::kDouble), {}).has_value());
}

TEST(Reduction, leaves_a_reduced_basis_alone) {
  const Tensor l = at::diag(at::tensor({4.0, 3.0, 2.0, 1.0}, at::kDouble));
  const Reduction reduction = reduce_basis(l, {}, "test");
  EXPECT_TRUE(at::equal(reduction.transform, at::eye(4, at::kLong)));
  EXPECT_EQ(reduction.insertions, 0);
}

TEST(Reduction, errors_say_what_is_possible) {
  const Tensor l = at::eye(3, at::kDouble);
  EXPECT_ERROR(reduce_basis(l, {.delta = 1}, "x"), "0.99 is usual");
  EXPECT_ERROR(reduce_basis(l, {.depth = 0}, "x"), "depth must be 1 to 32");
  Tensor steep = at::eye(2, at::kDouble);
  steep[1][1] = 1e-12;
  steep[1][0] = 3e5;
  EXPECT_ERROR(reduce_basis(steep, {}, "blk"), "blk: entries of T pass 2^53");
}

/// Integers close to L, first vector first, as fplll wants rows.
fplll::ZZ_mat<mpz_t> scaled_rows(const Tensor& l, double scale) {
  const Tensor r = l.flip({0, 1});
  const auto n = static_cast<int>(r.size(0));
  fplll::ZZ_mat<mpz_t> rows(n, n);
  for (int k = 0; k < n; ++k)
    for (int i = 0; i < n; ++i)
      rows[k][i] = static_cast<long>(std::llround(r[i][k].item<double>() * scale));
  return rows;
}

bool reduced_for_fplll(fplll::ZZ_mat<mpz_t> rows) {
  using Integer = fplll::Z_NR<mpz_t>;
  using Real = fplll::FP_NR<double>;
  fplll::ZZ_mat<mpz_t> none;
  fplll::MatGSO<Integer, Real> gram_schmidt(rows, none, none, 0);
  gram_schmidt.update_gso();
  return fplll::is_lll_reduced<Integer, Real>(gram_schmidt, 0.99 - 1e-4, 0.5 + 1e-3);
}

double log_profile_drop(const Tensor& l) { // mean of log l_ii over the first half of the vectors
  const Tensor logarithms = l.flip({0, 1}).diagonal().log();
  return logarithms.slice(0, 0, l.size(0) / 2).mean().item<double>();
}

TEST(Reduction, fplll_finds_our_basis_reduced_and_reduces_to_a_like_profile) {
  for (const char* order : {"natural", "min-pivot"}) {
    const Tensor l = steep_basis(80, 1.5, order);
    const double scale = 1e9 / l.diagonal().max().item<double>();
    const Reduction ours = reduce_basis(l, {}, "test");
    fplll::ZZ_mat<mpz_t> rows = scaled_rows(ours.l, scale);
    EXPECT_TRUE(reduced_for_fplll(rows)) << order;
    EXPECT_FALSE(reduced_for_fplll(scaled_rows(steep_basis(80, 1.5, "natural"), scale)));
    fplll::ZZ_mat<mpz_t> theirs = scaled_rows(l, scale);
    ASSERT_EQ(fplll::lll_reduction(theirs, 0.99, 0.51), fplll::RED_SUCCESS);
    const auto n = static_cast<std::int64_t>(theirs.get_rows());
    Tensor columns = at::empty({n, n}, at::kDouble);
    for (int k = 0; k < n; ++k)
      for (int i = 0; i < n; ++i)
        columns[i][k] = theirs[k][i].get_d() / scale;
    const Tensor r = std::get<1>(at::linalg_qr(columns)).diagonal().abs();
    const double their_drop = r.log().slice(0, 0, n / 2).mean().item<double>();
    EXPECT_NEAR(log_profile_drop(ours.l), their_drop, 0.05) << order;
  }
}

} // namespace
} // namespace latticelens
