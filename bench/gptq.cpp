// Time of gptq for one layer against the plain per-column loop on torch tensors, as published GPTQ
// code does it (quantization-peers.md §2.1), in one run: medians of alternating repeats, single
// layer shapes.
#include "rounding/gptq.h"
#include "bench/plain_gptq.h"
#include "core/memory.h"
#include "core/progress.h"
#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <algorithm>
#include <cstdio>

namespace latticelens {
namespace {

const std::map<std::string, double> damping = {{"damp", 0.01}};

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

void compare(std::int64_t out, std::int64_t in, int repeats) {
  at::manual_seed(1);
  const Tensor x =
      at::matmul(at::randn({in + 64, in}), at::randn({in, in}) / std::sqrt(in) + at::eye(in));
  const Moments moments{at::matmul(x.t(), x).to(at::kDouble), in + 64};
  const Format format = parse_format("mxfp4/away");
  const RoundingProblem problem{at::randn({out, in}), moments, format, "bench", {ScaleTime::stale}};
  std::vector<double> plain, ours;
  Tensor plain_values, our_values;
  for (int i = 0; i < repeats; ++i) {
    const Stopwatch first;
    plain_values = plain_gptq(problem.weight, moments.gram, format);
    plain.push_back(first.seconds());
    const Stopwatch second;
    our_values = round_gptq(problem, damping).values;
    ours.push_back(second.seconds());
  }
  const double plain_error = output_error(problem.weight, plain_values, moments),
               our_error = output_error(problem.weight, our_values, moments);
  std::printf("| %lld x %lld | %.3f | %.3f | %.1fx | %.4f |\n", static_cast<long long>(out),
              static_cast<long long>(in), median(plain), median(ours), median(plain) / median(ours),
              our_error / plain_error);
  std::fflush(stdout);
}

} // namespace
} // namespace latticelens

int main() {
  latticelens::keep_freed_memory();
  std::printf("threads: %d; medians of alternating repeats\n\n", at::get_num_threads());
  std::printf("| weight [out x in] | plain loop on tensors, s | latticelens gptq, s | faster | "
              "error ratio |\n|---|---|---|---|---|\n");
  for (const auto& [out, in, repeats] :
       {std::tuple{576, 576, 9}, {1536, 576, 9}, {576, 1536, 7}, {4096, 4096, 3}})
    latticelens::compare(out, in, repeats);
}
