// A training step of a TopK autoencoder against a dense LibTorch autograd step of the same model,
// and how much of the machine's fp32 product rate its encoding reaches. Medians of alternating
// repeats in one run.
#include "bench/timings.h"
#include "core/error.h"
#include "core/memory.h"
#include "sae/coder_training.h"
#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <c10/core/GradMode.h>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace latticelens {
namespace {

struct Shape {
  std::int64_t width, latents, k, batch;
};

/// Sums of a few of many directions, uneven channels: what activations are like.
Tensor activations(const Shape& shape, std::int64_t seed) {
  at::manual_seed(1);
  const Tensor directions = at::randn({512, shape.width}) * at::randn({shape.width}).exp();
  at::manual_seed(seed);
  const Tensor active = (at::rand({shape.batch, 512}) < 0.04) * at::rand({shape.batch, 512});
  const Tensor x = at::matmul(active, directions) + 0.1 * at::randn({shape.batch, shape.width});
  return x / x.norm(2, {1}, true);
}

/// What a plain program in LibTorch does: dense codes, autograd, Adam tensor by tensor.
class DenseStep {
 public:
  explicit DenseStep(const CoderWeights& start, std::int64_t k) : k_(k) {
    for (const Tensor& x : {start.encoder, start.encoder_bias, start.decoder, start.bias}) {
      weights_.push_back(x.clone().requires_grad_(true));
      first_.push_back(at::zeros_like(x));
      second_.push_back(at::zeros_like(x));
    }
  }

  double step(const Tensor& x) {
    const Tensor pre = at::linear(x - weights_[3], weights_[0], weights_[1]).relu();
    const auto [values, places] = pre.topk(k_, -1, true, /*sorted=*/false);
    const Tensor codes = at::zeros_like(pre).scatter(1, places, values);
    const Tensor loss =
        (at::matmul(codes, weights_[2]) + weights_[3] - x).square().sum() / x.size(0);
    loss.backward();
    const at::AutoGradMode unwatched(false);
    ++step_;
    for (std::size_t i = 0; i < weights_.size(); ++i)
      update(i);
    weights_[2].div_(weights_[2].norm(2, {1}, true));
    return loss.item<double>();
  }

 private:
  void update(std::size_t i) {
    Tensor& weight = weights_[i];
    const Tensor gradient = weight.grad();
    first_[i].lerp_(gradient, 0.1);
    second_[i].mul_(0.999).addcmul_(gradient, gradient, 0.001);
    const double unbiased = 1 - std::pow(0.9, step_), square = 1 - std::pow(0.999, step_);
    weight.addcdiv_(first_[i], (second_[i] / square).sqrt_().add_(6.25e-10), -1e-4 / unbiased);
    weight.mutable_grad().reset();
  }
  std::int64_t k_;
  int step_ = 0;
  std::vector<Tensor> weights_, first_, second_;
};

double product_rate(const Shape& shape, at::ScalarType type, int repeats) {
  at::manual_seed(3);
  const Tensor x = at::randn({shape.batch, shape.width}).to(type),
               weight = at::randn({shape.latents, shape.width}).to(type);
  Timings timings;
  for (int i = 0; i < repeats; ++i)
    timings.measure("product", [&] { at::linear(x, weight); });
  return 2e-9 * static_cast<double>(shape.batch * shape.width * shape.latents) /
         timings.median("product");
}

void line(const Shape& shape, int repeats) {
  const CoderWeights start =
      initial_weights(shape.latents, at::zeros({shape.width}, at::kFloat), 1);
  TrainingSettings settings;
  settings.optimizer = {.rate = 1e-4, .warm_up = 0};
  settings.checked_every = 0;
  CoderTraining ours({start.encoder.clone(), start.encoder_bias.clone(), start.decoder.clone(),
                      start.bias.clone()},
                     {top_k_term(shape.k, 1)}, settings);
  DenseStep dense(start, shape.k);
  LatentSearch search(shape.latents, shape.width, fastest_search());
  Timings timings;
  double loss = 0, dense_loss = 0, checked = 0, missed = 0;
  for (int i = 0; i < repeats; ++i) {
    const Tensor x = activations(shape, 100 + i);
    timings.measure("dense", [&] { dense_loss = dense.step(x); });
    timings.measure("ours", [&] { loss = ours.step(x).loss; });
    search.pack_all(ours.weights().encoder, ours.weights().encoder_bias);
    const SparseBatch batch = sparse_batch(x, ours.weights().bias);
    Codes codes;
    timings.measure("encode",
                    [&] { codes = search.largest(batch.centred, ours.weights(), shape.k); });
    checked += (codes.values > 0).sum().item<double>();
    missed += static_cast<double>(missed_latents(batch.centred, ours.weights(), codes));
  }
  const double operations = 2e-9 * static_cast<double>(shape.batch * shape.width * shape.latents),
               limit = product_rate(shape, at::kFloat, repeats),
               narrow = product_rate(shape, at::kBFloat16, repeats),
               encode = operations / timings.median("encode");
  std::printf(
      "| %lld -> %lld, k %lld, batch %lld | %.0f | %.0f | %.1fx | %.0f | %.0f | %.0f | %.0f "
      "| %.0f %% | %.1e | %.5f | %.5f |\n",
      static_cast<long long>(shape.width), static_cast<long long>(shape.latents),
      static_cast<long long>(shape.k), static_cast<long long>(shape.batch),
      1e3 * timings.median("ours"), static_cast<double>(shape.batch) / timings.median("ours"),
      timings.median_ratio("dense", "ours"), 1e3 * timings.median("encode"), encode, limit, narrow,
      100 * encode / std::max(limit, narrow), missed / checked, loss, dense_loss);
  std::fflush(stdout);
}

void print_head(int repeats) {
  std::string load;
  std::getline(std::ifstream("/proc/loadavg"), load, ' ');
  std::printf(
      "%d threads, load %s; medians of %d alternating repeats\n\n"
      "| shape | ms a step | activations a second | faster than dense | encode, ms | "
      "G op/s | fp32 product | bf16 product | of the larger | missed latents | loss | dense "
      "|\n|---|---|---|---|---|---|---|---|---|---|---|---|\n",
      at::get_num_threads(), load.c_str(), repeats);
}

constexpr double rate = 3e-4;

/// Both after the same steps from the same start on the same batches, in one run.
void peer_lines(const char* python, const Shape& shape, std::int64_t steps) {
  std::vector<Tensor> batches;
  for (std::int64_t i = 0; i < steps; ++i)
    batches.push_back(activations(shape, 100 + i));
  const CoderWeights start = initial_weights(shape.latents, batches[0].mean(0), 1);
  const std::filesystem::path folder = std::filesystem::temp_directory_path(),
                              file = folder / "latticelens-batches.safetensors",
                              answer = folder / "latticelens-sae-peers.txt";
  write_safetensors(file, {{"x", at::stack(batches)},
                           {"encoder", start.encoder},
                           {"decoder", start.decoder},
                           {"bias", start.bias}});
  TrainingSettings settings;
  settings.optimizer = {.rate = rate, .warm_up = 0};
  CoderTraining ours({start.encoder.clone(), start.encoder_bias.clone(), start.decoder.clone(),
                      start.bias.clone()},
                     {top_k_term(shape.k, 1)}, settings);
  Timings timings;
  for (const Tensor& x : batches)
    timings.measure("ours", [&] { ours.step(x); });
  const double left = ours.step(batches.back()).fvu; // of the weights before this step
  const std::string command = std::string(python) + " " + LATTICELENS_BENCH "/time_sae_peers.py " +
                              file.string() + " " + std::to_string(shape.k) + " " +
                              std::to_string(rate) + " " + std::to_string(at::get_num_threads()) +
                              " > " + answer.string();
  require(std::system(command.c_str()) == 0, "bench",
          "the peers failed: PEERS must name a Python with sae-lens and eai-sparsify installed");
  std::printf("\n%lld -> %lld, k %lld, batch %lld, %lld steps at rate %g\n\n"
              "| | ms a step | latticelens is faster | fvu of the last batch |\n|---|---|---|---|\n"
              "| latticelens | %.0f | | %.4f |\n",
              static_cast<long long>(shape.width), static_cast<long long>(shape.latents),
              static_cast<long long>(shape.k), static_cast<long long>(shape.batch),
              static_cast<long long>(steps), rate, 1e3 * timings.median("ours"), left);
  std::ifstream lines(answer);
  for (std::string name, seconds, fvu; lines >> name >> seconds >> fvu;) {
    const double theirs = std::strtod(seconds.c_str(), nullptr);
    std::printf("| %s | %.0f | %.1fx | %.4f |\n", name.c_str(), 1e3 * theirs,
                theirs / timings.median("ours"), std::strtod(fvu.c_str(), nullptr));
  }
  std::fflush(stdout);
}

/// The same steps by dense autograd (`reference::DenseTraining`), from three seeds.
void reference_lines(const Shape& shape, std::int64_t steps) {
  std::printf("\n%lld -> %lld, k %lld, batch %lld, %lld steps: loss of the last step\n\n"
              "| seed | latticelens | dense autograd | ratio |\n|---|---|---|---|\n",
              static_cast<long long>(shape.width), static_cast<long long>(shape.latents),
              static_cast<long long>(shape.k), static_cast<long long>(shape.batch),
              static_cast<long long>(steps));
  for (const std::uint64_t seed : {0, 1, 2}) {
    TrainingSettings settings;
    settings.optimizer = {.rate = 1e-3, .warm_up = 10};
    const auto start = [&] {
      return initial_weights(shape.latents, at::zeros({shape.width}, at::kFloat), seed);
    };
    CoderTraining ours(start(), {top_k_term(shape.k, 1)}, settings);
    reference::DenseTraining dense(start(), {top_k_term(shape.k, 1)}, settings);
    double loss = 0, dense_loss = 0;
    for (std::int64_t i = 0; i < steps; ++i) {
      const Tensor x = activations(shape, static_cast<std::int64_t>(seed) * 1000 + i);
      loss = ours.step(x).loss;
      dense_loss = dense.step(x);
    }
    std::printf("| %llu | %.6f | %.6f | %.5f |\n", static_cast<unsigned long long>(seed), loss,
                dense_loss, loss / dense_loss);
    std::fflush(stdout);
  }
}

/// The shape of paper 001: one step, and the memory that it takes.
void paper_step() {
  const Shape shape{2048, 32768, 32, 32768};
  const Tensor x = activations(shape, 1);
  TrainingSettings settings;
  settings.checked_every = 0;
  forget_peak_memory();
  CoderTraining ours(initial_weights(shape.latents, x.mean(0), 1), {top_k_term(shape.k, 1)},
                     settings);
  Timings timings;
  for (int i = 0; i < 2; ++i)
    timings.measure("step", [&] { ours.step(x); });
  std::printf("\n2048 -> 32768, k 32, batch 32768: %.1f s a step, %.0f activations a second, peak "
              "%.2f GB, the batch's 0.27 GB included\n",
              timings.median("step"), 32768 / timings.median("step"),
              static_cast<double>(peak_memory()) / 1e9);
}

} // namespace
} // namespace latticelens

int main(int count, char** arguments) {
  latticelens::keep_freed_memory();
  const int repeats = count > 1 ? std::atoi(arguments[1]) : 0;
  if (repeats < 1) {
    std::fprintf(stderr,
                 "usage: bench_sae_step REPEATS [paper]\n"
                 "example: bench_sae_step 7\n"
                 "PEERS=venv/bin/python in the environment: also sae-lens and eai-sparsify\n"
                 "paper: also one step at the paper's shape (2048 -> 32768, 32768 inputs)\n");
    return 2;
  }
  latticelens::print_head(repeats);
  latticelens::line({512, 8192, 32, 2048}, repeats);
  latticelens::line({768, 24576, 32, 2048}, repeats);
  latticelens::reference_lines({256, 2048, 32, 1024}, 60);
  if (const char* python = std::getenv("PEERS")) {
    latticelens::peer_lines(python, {512, 8192, 32, 2048}, 20);
    latticelens::peer_lines(python, {768, 24576, 32, 2048}, 20);
  }
  if (count > 2)
    latticelens::paper_step();
  return 0;
}
