// What the lattice roundings cost, as ratios measured in one run: medians of alternating repeats on
// one random layer [4096 x 4096] (or OUT IN given as arguments).
#include "bench/timings.h"
#include "core/memory.h"
#include "lattice/factor.h"
#include "rounding/rounding.h"
#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <cstdio>
#include <cstdlib>

namespace latticelens {
namespace {

constexpr int repeats = 3;

void line(const char* what, double seconds, const std::string& ratio) {
  std::printf("| %s | %.3f | %s |\n", what, seconds, ratio.c_str());
}

std::string times(double ratio, const char* of) {
  char text[96];
  std::snprintf(text, sizeof text, "%.2fx %s", ratio, of);
  return text;
}

void run(std::int64_t out, std::int64_t in) {
  at::manual_seed(1);
  const Tensor x = at::matmul(at::randn({in + 64, in}) * at::linspace(1, 4, in),
                              at::randn({in, in}) / std::sqrt(in) + at::eye(in));
  const Moments moments{at::matmul(x.t(), x).to(at::kDouble), in + 64};
  const Format format = parse_format("mxfp4");
  const RoundingProblem natural{at::randn({out, in}), moments, format, "bench"};
  RoundingProblem searched = natural;
  searched.scales = parse_scales("search:3");
  const Tensor a = at::randn({in, in}), b = at::randn({in, in});
  const Tensor damped =
      moments.gram + 0.01 * moments.gram.diagonal().mean() * at::eye(in, at::kDouble);
  Timings timings;
  for (int i = 0; i < repeats; ++i) {
    timings.measure("product", [&] { at::mm(a, b); });
    timings.measure("cholesky", [&] { at::linalg_cholesky(damped); });
    timings.measure("natural factor", [&] { factor_moments(moments.gram, {}, "bench"); });
    timings.measure("min-pivot factor",
                    [&] { factor_moments(moments.gram, {.order = "min-pivot"}, "bench"); });
    timings.measure("gptq", [&] { round_weight(parse_rounding("gptq"), natural); });
    timings.measure("search", [&] { round_weight(parse_rounding("gptq"), searched); });
    timings.measure("kbest", [&] { round_weight(parse_rounding("kbest:8"), natural); });
  }
  const double n = static_cast<double>(in), rows = static_cast<double>(out);
  const double rate = 2 * n * n * n / timings.median("product");
  const double gptq = timings.median("gptq"), cholesky = timings.median("cholesky");
  const double gptq_rate = (n * n * n / 3 + rows * n * n) / gptq;
  std::printf("layer [%lld x %lld], %d threads; medians of %d alternating repeats\n\n",
              static_cast<long long>(out), static_cast<long long>(in), at::get_num_threads(),
              repeats);
  std::printf("| what | seconds | ratio |\n|---|---|---|\n");
  line("LibTorch fp32 product [n x n] [n x n]", timings.median("product"), "1 (its rate)");
  line("gptq, for its n³/3 + out n² operations", gptq, times(gptq_rate / rate, "of that rate"));
  line("LibTorch fp64 Cholesky", cholesky, "1");
  line("factor, natural order", timings.median("natural factor"),
       times(timings.median("natural factor") / cholesky, "of that"));
  line("factor, min-pivot order", timings.median("min-pivot factor"),
       times(timings.median("min-pivot factor") / cholesky, "of that"));
  line("gptq, scales=search:3", timings.median("search"),
       times(timings.median("search") / gptq, "gptq"));
  line("kbest:8", timings.median("kbest"), times(timings.median("kbest") / gptq, "gptq"));
}

} // namespace
} // namespace latticelens

int main(int argc, char** argv) {
  latticelens::keep_freed_memory();
  latticelens::run(argc > 2 ? std::atoi(argv[1]) : 4096, argc > 2 ? std::atoi(argv[2]) : 4096);
}
