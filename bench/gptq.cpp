// Time of gptq for one layer against the plain per-column loop on torch tensors, as published GPTQ
// code does it (quantization-peers.md §2.1), in one run: medians of alternating repeats, single
// layer shapes.
#include "rounding/gptq.h"
#include "core/memory.h"
#include "core/progress.h"
#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <algorithm>
#include <cstdio>

namespace latticelens {
namespace {

const std::map<std::string, double> damping = {{"damp", 0.01}};

/// A column [out] to the nearest E2M1 value with elementwise tensor operations, as the published
/// simulators of the format do it: private exponent by log2, mantissa rounded half away from zero,
/// saturated (quantization-peers.md §1.2).
Tensor nearest_level(const Tensor& scaled) {
  const Tensor exponent = at::clamp_min(at::floor(at::log2(at::abs(scaled) + 1e-30)), 0);
  const Tensor step = at::exp2(exponent - 1);
  const Tensor mantissa = scaled / step;
  const Tensor rounded = at::sign(mantissa) * at::floor(at::abs(mantissa) + 0.5);
  return at::clamp(rounded * step, -6, 6);
}

/// The published loop: inverse by Cholesky, blocks of 128, one column at a time, group scales from
/// the stale matrix.
Tensor plain_gptq(const Tensor& weight, const Tensor& gram, const Format& format) {
  const std::int64_t n = weight.size(1);
  Tensor w = weight.clone(), values = at::zeros_like(weight), losses = at::zeros_like(weight),
         h = gram.to(at::kFloat).clone();
  h.diagonal().add_(0.01 * h.diagonal().mean());
  const Tensor inverse = at::cholesky_inverse(at::linalg_cholesky(h));
  const Tensor upper = at::linalg_cholesky(inverse).t().contiguous();
  Tensor scale;
  for (std::int64_t first = 0; first < n; first += 128) {
    const std::int64_t last = std::min(first + 128, n), count = last - first;
    Tensor block = w.slice(1, first, last).clone(), errors = at::zeros_like(block);
    const Tensor triangle = upper.slice(0, first, last).slice(1, first, last);
    for (std::int64_t i = 0; i < count; ++i) {
      if (i % format.block == 0)
        scale = format.fit(w.slice(1, first + i, first + i + format.block).contiguous()).squeeze(1);
      const Tensor column = block.select(1, i), rounded = nearest_level(column / scale) * scale;
      values.select(1, first + i).copy_(rounded);
      const Tensor error = (column - rounded) / triangle[i][i];
      losses.select(1, first + i).copy_((column - rounded).square() / triangle[i][i].square() / 2);
      block.slice(1, i).sub_(error.unsqueeze(1).matmul(triangle[i].slice(0, i).unsqueeze(0)));
      errors.select(1, i).copy_(error);
    }
    w.slice(1, last).sub_(errors.matmul(upper.slice(0, first, last).slice(1, last)));
  }
  return values;
}

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
