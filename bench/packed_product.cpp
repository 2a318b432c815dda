// Products of MXFP4 inputs and weights, the quantization of the inputs included, against fp32
// products; and quantizing as a share of the memory's bandwidth. Medians of alternating repeats.
#include "bench/timings.h"
#include "core/error.h"
#include "core/memory.h"
#include "formats/packed_linear.h"
#include "tensor/linear.h"
#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace latticelens {
namespace {

constexpr int repeats = 15;

struct Shape {
  std::int64_t out, in, tokens;
};

void product_line(const Shape& shape) {
  at::manual_seed(1);
  const Format format = parse_format("mxfp4");
  SnapCounts counts;
  const Tensor x = at::randn({shape.tokens, shape.in}),
               weight = format.quantize(at::randn({shape.out, shape.in}) / 8, counts);
  const PackedMatrix packed = PackedMatrix::of(weight).value();
  Tensor y, wanted;
  Timings timings;
  for (int i = 0; i < repeats; ++i) {
    timings.measure("packed",
                    [&] { y = linear_of(encode_rows(x, format, counts), packed, Tensor()); });
    timings.measure("torch", [&] { at::linear(x, weight); });
    timings.measure("strips", [&] { linear_of(x, weight, Tensor()); });
    timings.measure("simulated",
                    [&] { wanted = linear_of(format.quantize(x, counts), weight, Tensor()); });
  }
  const double ours = timings.median("packed"),
               operations = 2e-9 * static_cast<double>(shape.out * shape.in * shape.tokens);
  std::printf("| %lld x %lld, %lld tokens | %.2f | %.0f | %.1fx | %.1fx | %.1fx | %.0e |\n",
              static_cast<long long>(shape.out), static_cast<long long>(shape.in),
              static_cast<long long>(shape.tokens), 1e3 * ours, operations / ours,
              timings.median("torch") / ours, timings.median("strips") / ours,
              timings.median("simulated") / ours,
              ((y - wanted).abs().max() / wanted.abs().max()).item<double>());
  std::fflush(stdout);
}

void memory_lines() {
  at::manual_seed(1);
  const Format format = parse_format("mxfp4");
  SnapCounts counts;
  const Tensor x = at::randn({1 << 16, 1024}); // 256 MiB: in no cache
  Tensor copy = at::empty_like(x), y;
  Timings timings;
  for (int i = 0; i < repeats; ++i) {
    timings.measure("copy", [&] { copy.copy_(x); });
    timings.measure("encode", [&] { y = encode_rows(x, format, counts); });
    timings.measure("quantize", [&] { y = format.quantize(x, counts); });
  }
  const double bytes = 4e-9 * static_cast<double>(x.numel()),
               bandwidth = 2 * bytes / timings.median("copy");
  const auto line = [&](const char* name, double moved) {
    const double rate = moved / timings.median(name);
    std::printf("| %s | %.1f | %.0f %% |\n", name, rate, 100 * rate / bandwidth);
  };
  std::printf("\n| what | GB/s read and written | of the copy's |\n|---|---|---|\n");
  line("copy", 2 * bytes);
  line("encode", bytes * (1 + 1.125 / 4));
  line("quantize", 2 * bytes);
}

/// Against torchao (PyPI) on the same shape, when TORCHAO names a Python that has it.
void peer_lines(const char* python) {
  constexpr std::int64_t rows = 8192;
  const Format format = parse_format("mxfp4/floor");
  SnapCounts counts;
  const Tensor x = at::randn({rows, 1024});
  Tensor y;
  Timings timings;
  for (int i = 0; i < repeats; ++i) {
    timings.measure("encode", [&] { y = encode_rows(x, format, counts); });
    timings.measure("quantize", [&] { y = format.quantize(x, counts); });
  }
  const std::filesystem::path answer =
      std::filesystem::temp_directory_path() / "latticelens-torchao.txt";
  const std::string command = std::string(python) + " " + LATTICELENS_BENCH "/time_torchao.py " +
                              std::to_string(rows) + " " + std::to_string(at::get_num_threads()) +
                              " > " + answer.string();
  require(std::system(command.c_str()) == 0, "bench",
          "torchao failed: TORCHAO must name a Python with torch and torchao installed");
  double encode = 0, quantize = 0;
  std::ifstream(answer) >> encode >> quantize;
  std::printf("\n| %lld x 1024 | latticelens, ms | torchao, ms | faster |\n|---|---|---|---|\n",
              static_cast<long long>(rows));
  const auto line = [&](const char* name, double theirs) {
    const double ours = timings.median(name);
    std::printf("| %s | %.2f | %.2f | %.1fx |\n", name, 1e3 * ours, 1e3 * theirs, theirs / ours);
  };
  line("encode", encode);
  line("quantize", quantize);
}

void run() {
  std::string load;
  std::getline(std::ifstream("/proc/loadavg"), load, ' ');
  std::printf("%d threads, load %s; medians of %d alternating repeats\n\n", at::get_num_threads(),
              load.c_str(), repeats);
  std::printf("| weight | ms | G op/s | LibTorch's fp32 | fp32 strips | quantize, then strips | "
              "difference |\n|---|---|---|---|---|---|---|\n");
  for (const std::int64_t tokens : {512, 2048})
    for (const auto& [out, in] : {std::pair{576, 576}, {1536, 576}, {576, 1536}, {4096, 4096}})
      product_line({out, in, tokens});
  memory_lines();
  if (const char* python = std::getenv("TORCHAO"))
    peer_lines(python);
}

} // namespace
} // namespace latticelens

int main() {
  latticelens::keep_freed_memory();
  latticelens::run();
}
