// Time and profile of our LLL against fplll's, to the same delta, in one run: random bases with a
// steep spectrum, and moments of a real layer that `latticelens inspect --layer NAME --save FILE`
// wrote. Example: build/release/bench/bench_lll 300 layer.safetensors
#include "core/progress.h"
#include "lattice/certificates.h"
#include "lattice/factor.h"
#include "lattice/reduction.h"
#include "tensor/safetensors.h"
#include <ATen/ATen.h>
#include <cstdio>
#include <cstdlib>
#include <fplll.h>
#include <string>
#include <sys/wait.h>
#include <unistd.h>

namespace latticelens {
namespace {

Tensor steep_moments(std::int64_t n) {
  at::manual_seed(n);
  const Tensor spectrum = at::arange(1, n + 1, at::kDouble).pow(-1.5);
  const Tensor rotation = std::get<0>(at::linalg_qr(at::randn({n, n}, at::kDouble)));
  Tensor x = at::matmul(at::randn({4 * n, n}, at::kDouble) * spectrum, rotation);
  x *= at::exp(0.3 * at::randn({n}, at::kDouble));
  return at::matmul(x.t(), x);
}

/// fplll wants integers, the first vector first.
fplll::ZZ_mat<mpz_t> scaled_rows(const Tensor& l) {
  constexpr double smallest = 1 << 14; // of the diagonal, as integers
  const Tensor r = (l.flip({0, 1}) * (smallest / l.diagonal().min().item<double>())).contiguous();
  const auto n = static_cast<int>(r.size(0));
  fplll::ZZ_mat<mpz_t> rows(n, n);
  for (int k = 0; k < n; ++k)
    for (int i = 0; i < n; ++i)
      rows[k][i] = static_cast<long>(std::llround(r.const_data_ptr<double>()[i * n + k]));
  return rows;
}

/// Seconds of fplll in a process of its own, that is stopped at the limit: then a negative number.
double seconds_of_fplll(const Tensor& l, int limit) {
  fplll::ZZ_mat<mpz_t> rows = scaled_rows(l);
  const Stopwatch watch;
  const pid_t child = fork();
  if (child == 0) {
    alarm(static_cast<unsigned>(limit));
    _exit(fplll::lll_reduction(rows, 0.99, 0.51, fplll::LM_WRAPPER) == fplll::RED_SUCCESS ? 0 : 1);
  }
  int status = 0;
  waitpid(child, &status, 0);
  return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? watch.seconds() : -1;
}

void compare(const std::string& name, const Tensor& h, double damping, const char* order,
             int limit) {
  const Tensor l = factor_moments(h, {.damping = damping, .order = order}, name).l;
  std::printf("| %s | %s | %.3f |", name.c_str(), order, profile_ratio(l));
  double plain = 0;
  for (const std::int64_t depth : {1, 5}) {
    const Stopwatch watch;
    const Reduction reduction = reduce_basis(l, {.depth = depth}, name);
    const double seconds = watch.seconds();
    plain = depth == 1 ? seconds : plain;
    std::printf(" %.3f | %lld | %.3f |", seconds, static_cast<long long>(reduction.insertions),
                profile_ratio(reduction.l));
    std::fflush(stdout);
  }
  const double theirs = seconds_of_fplll(l, limit);
  if (theirs > 0)
    std::printf(" %.2f | %.0fx |\n", theirs, theirs / plain);
  else
    std::printf(" > %d | > %.0fx |\n", limit, limit / plain);
  std::fflush(stdout);
}

} // namespace
} // namespace latticelens

int main(int argc, char** argv) {
  using namespace latticelens;
  const int limit = argc > 1 ? std::atoi(argv[1]) : 60;
  std::printf("| basis | order | AM/GM | LLL, s | swaps | AM/GM | deep 5, s | insertions | AM/GM | "
              "fplll LLL, s | faster |\n|---|---|---|---|---|---|---|---|---|---|---|\n");
  for (int i = 2; i < argc; ++i) {
    const std::string path = argv[i];
    const Tensor h = SafetensorsFile(path).load("h");
    const std::string name = path + " n " + std::to_string(h.size(0));
    compare(name, h, 0.01, "min-pivot", limit);
    compare(name, h, 1e-4, "min-pivot", limit);
  }
  for (const std::int64_t n : {256, 512, 1024, 2048})
    compare("random n " + std::to_string(n), steep_moments(n), 1e-4, "min-pivot", limit);
  for (const std::int64_t n : {256, 512})
    compare("random n " + std::to_string(n), steep_moments(n), 1e-6, "natural", limit);
}
