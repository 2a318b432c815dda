// Time and profile of our LLL against fplll's and BLASter's, to the same delta, in one run: random
// bases with a steep spectrum, and moments of a real layer that `latticelens inspect --layer NAME
// --save FILE` wrote. BLASter is timed when BLASTER names a Python that has blaster-python (PyPI).
// Example: BLASTER=venv/bin/python build/release/bench/bench_lll 300 layer.safetensors
#include "core/error.h"
#include "core/progress.h"
#include "lattice/certificates.h"
#include "lattice/factor.h"
#include "lattice/reduction.h"
#include "tensor/safetensors.h"
#include <ATen/ATen.h>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fplll.h>
#include <fstream>
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

/// The others want integers: [n, n] int64, one vector a row, the first one first.
Tensor scaled_vectors(const Tensor& l) {
  constexpr double smallest = 1 << 14; // of the diagonal, as integers
  const Tensor r = l.flip({0, 1}) * (smallest / l.diagonal().min().item<double>());
  return at::round(r.t()).to(at::kLong).contiguous();
}

fplll::ZZ_mat<mpz_t> rows_of(const Tensor& vectors) {
  const auto n = static_cast<int>(vectors.size(0));
  fplll::ZZ_mat<mpz_t> rows(n, n);
  for (int k = 0; k < n; ++k)
    for (int i = 0; i < n; ++i)
      rows[k][i] = static_cast<long>(vectors.const_data_ptr<std::int64_t>()[k * n + i]);
  return rows;
}

/// Seconds of fplll in a process of its own, that is stopped at the limit: then a negative number.
double seconds_of_fplll(const Tensor& vectors, int limit) {
  fplll::ZZ_mat<mpz_t> rows = rows_of(vectors);
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

struct Peer {
  double seconds = -1, profile = 0; // negative: not within the limit
};

/// BLASter on two cores, in the Python given.
Peer blaster(const std::string& python, const Tensor& vectors, int limit) {
  const std::filesystem::path folder = std::filesystem::temp_directory_path(),
                              basis = folder / "bench_lll.i64", answer = folder / "bench_lll.txt";
  std::ofstream(basis, std::ios::binary)
      .write(reinterpret_cast<const char*>(vectors.const_data_ptr<std::int64_t>()),
             static_cast<std::streamsize>(vectors.nbytes()));
  const std::string command = "timeout " + std::to_string(limit) + " " + python + " " +
                              LATTICELENS_BENCH "/time_blaster.py " + basis.string() +
                              " 0.99 2 > " + answer.string();
  Peer peer;
  const int status = WEXITSTATUS(std::system(command.c_str()));
  constexpr int stopped = 124; // by `timeout`
  require(status == 0 || status == stopped, "bench",
          "BLASter failed: BLASTER must name a Python with blaster-python installed");
  if (status == 0)
    std::ifstream(answer) >> peer.seconds >> peer.profile;
  return peer;
}

void print_ratio(double theirs, double ours, int limit) {
  if (theirs > 0)
    std::printf(" %.2f | %.1fx |", theirs, theirs / ours);
  else
    std::printf(" > %d | > %.0fx |", limit, limit / ours);
  std::fflush(stdout);
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
  const Tensor vectors = scaled_vectors(l);
  print_ratio(seconds_of_fplll(vectors, limit), plain, limit);
  if (const char* python = std::getenv("BLASTER")) {
    const Peer peer = blaster(python, vectors, limit);
    print_ratio(peer.seconds, plain, limit);
    std::printf(" %.3f |", peer.profile);
  }
  std::printf("\n");
}

} // namespace
} // namespace latticelens

int main(int argc, char** argv) {
  using namespace latticelens;
  const int limit = argc > 1 ? std::atoi(argv[1]) : 60;
  const bool with_blaster = std::getenv("BLASTER") != nullptr;
  std::printf("| basis | order | AM/GM | LLL, s | swaps | AM/GM | deep 5, s | insertions | AM/GM | "
              "fplll LLL, s | faster |%s\n|---|---|---|---|---|---|---|---|---|---|---|%s\n",
              with_blaster ? " BLASter LLL, s | faster | AM/GM |" : "",
              with_blaster ? "---|---|---|" : "");
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
