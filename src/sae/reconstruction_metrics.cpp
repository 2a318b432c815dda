#include "sae/reconstruction_metrics.h"

#include "core/error.h"
#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <algorithm>
#include <cmath>
#include <numeric>

namespace latticelens {
namespace {

constexpr std::int64_t places_per_task = 64, tokens_per_task = 64;

double squared(double value) {
  return value * value;
}

/// Sums of the values and their squares in each place, about an origin so that large means cost no
/// digits.
class PlaceSums {
 public:
  explicit PlaceSums(std::int64_t width) : origin_(width), sums_(width), squares_(width) {}

  void set_origin(const float* token) { std::copy_n(token, origin_.size(), origin_.begin()); }

  /// value(token, place); each place in the order of the tokens.
  template<typename Value>
  void add(std::int64_t tokens, const Value& value) {
    const auto width = static_cast<std::int64_t>(sums_.size());
    at::parallel_for(0, width, places_per_task, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t i = 0; i < tokens; ++i)
        for (std::int64_t j = begin; j < end; ++j) {
          const double difference = value(i, j) - origin_[j];
          sums_[j] += difference;
          squares_[j] += difference * difference;
        }
    });
  }

  /// Σ‖v - mean‖² over so many tokens.
  double about_the_mean(std::int64_t tokens) const {
    double total = 0;
    for (std::size_t j = 0; j < sums_.size(); ++j)
      total += squares_[j] - squared(sums_[j]) / static_cast<double>(tokens);
    return std::max(0.0, total);
  }

 private:
  std::vector<double> origin_, sums_, squares_;
};

/// ‖x‖², ‖x^‖², x·x^ and ‖x - x^‖² of one token.
struct Products {
  double x = 0, reconstruction = 0, both = 0, error = 0;
};

std::vector<Products> products_of(const float* x, const float* reconstruction, std::int64_t tokens,
                                  std::int64_t width) {
  std::vector<Products> products(tokens);
  at::parallel_for(0, tokens, tokens_per_task, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i)
      for (std::int64_t j = 0; j < width; ++j) {
        const double a = x[i * width + j], b = reconstruction[i * width + j];
        products[i].x += a * a;
        products[i].reconstruction += b * b;
        products[i].both += a * b;
        products[i].error += squared(a - b);
      }
  });
  return products;
}

/// A mean of ratios of tokens, without those whose divisor is zero.
struct RatioMean {
  double sum = 0;
  std::int64_t count = 0, left_out = 0;

  void add(double dividend, double divisor) {
    if (divisor == 0) {
      ++left_out;
      return;
    }
    sum += dividend / divisor;
    ++count;
  }
  double mean() const { return sum / static_cast<double>(count); }
};

struct TokenSums {
  double errors = 0, reconstructions = 0, both = 0;
  RatioMean nmse, cosine, l2_ratio;

  void add(const Products& token) {
    errors += token.error;
    reconstructions += token.reconstruction;
    both += token.both;
    nmse.add(token.error, token.x);
    cosine.add(token.both, std::sqrt(token.x) * std::sqrt(token.reconstruction));
    l2_ratio.add(std::sqrt(token.reconstruction), std::sqrt(token.x));
  }
};

/// Finished batches.
struct BatchSums {
  double fvu = 0; // times their tokens
  std::int64_t tokens = 0;
  RatioMean unexplained;
};

/// The batch that is being filled: its mean has to be known before its tokens are compared with it.
class Window {
 public:
  Window(std::int64_t width, std::int64_t size) : width_(width), size_(size) {}

  bool full() const { return tokens() == size_; }
  void add(const float* token, double error) {
    x_.insert(x_.end(), token, token + width_);
    errors_.push_back(error);
  }
  void clear() {
    x_.clear();
    errors_.clear();
  }

  void add_to(BatchSums& batches) const {
    if (tokens() == 0)
      return;
    const std::vector<double> distances = from_mean();
    const double variance = std::accumulate(distances.begin(), distances.end(), 0.0);
    if (variance > 0) {
      batches.fvu += std::accumulate(errors_.begin(), errors_.end(), 0.0) / variance *
                     static_cast<double>(tokens());
      batches.tokens += tokens();
    }
    for (std::int64_t i = 0; i < tokens(); ++i)
      batches.unexplained.add(errors_[i], distances[i]);
  }

 private:
  std::int64_t tokens() const { return static_cast<std::int64_t>(errors_.size()); }

  /// ‖x - mean‖² of each token.
  std::vector<double> from_mean() const {
    std::vector<double> mean(width_), distances(tokens());
    for (std::int64_t i = 0; i < tokens(); ++i)
      for (std::int64_t j = 0; j < width_; ++j)
        mean[j] += x_[i * width_ + j];
    for (double& value : mean)
      value /= static_cast<double>(tokens());
    at::parallel_for(0, tokens(), tokens_per_task, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t i = begin; i < end; ++i)
        for (std::int64_t j = 0; j < width_; ++j)
          distances[i] += squared(x_[i * width_ + j] - mean[j]);
    });
    return distances;
  }

  std::int64_t width_, size_;
  std::vector<float> x_;
  std::vector<double> errors_;
};

class FiringSums {
 public:
  explicit FiringSums(std::int64_t latents) : firings_(latents) {}

  void add(const Codes& codes) {
    const auto latents = static_cast<std::int64_t>(firings_.size());
    const Tensor indices = codes.indices.contiguous(), values = codes.values.contiguous();
    const std::int64_t* index = indices.const_data_ptr<std::int64_t>();
    const float* value = values.const_data_ptr<float>();
    for (std::int64_t i = 0; i < values.numel(); ++i) {
      require(value[i] >= 0 && std::isfinite(value[i]) && index[i] >= 0 && index[i] < latents,
              "sae", "codes that no coder of these latents gives; it diverged or is another one");
      if (value[i] > 0)
        ++firings_[index[i]];
      values_ += value[i];
    }
  }

  Sparsity result(std::int64_t tokens) const {
    const auto all = static_cast<double>(tokens);
    Sparsity sparsity = {.tokens = tokens, .l1 = values_ / all, .firings = firings_};
    for (const std::int64_t count : firings_)
      add_latent(sparsity, static_cast<double>(count) / all);
    const auto latents = static_cast<double>(firings_.size());
    for (double* share : {&sparsity.dead, &sparsity.above_1_percent, &sparsity.above_10_percent})
      *share /= latents;
    return sparsity;
  }

 private:
  static void add_latent(Sparsity& sparsity, double frequency) {
    sparsity.l0 += frequency;
    sparsity.dead += frequency == 0;
    sparsity.above_1_percent += frequency > 0.01;
    sparsity.above_10_percent += frequency > 0.1;
    if (frequency == 0)
      return;
    const double steps = (std::log10(frequency) - histogram_start) / histogram_step;
    const auto last = static_cast<double>(histogram_bins - 1);
    ++sparsity.histogram[static_cast<std::size_t>(std::clamp(std::floor(steps) + 1, 0.0, last))];
  }

  std::vector<std::int64_t> firings_;
  double values_ = 0;
};

/// fp32, contiguous, on the CPU, as `add` reads it.
Tensor matrix_of(const Tensor& tensor, std::int64_t tokens, std::int64_t width) {
  require(tensor.dim() == 2 && tensor.size(0) == tokens && tensor.size(1) == width &&
              tensor.scalar_type() == at::kFloat,
          "sae", "activations or reconstructions of another shape than their coder's; report it");
  require(at::isfinite(tensor).all().item<bool>(), "sae",
          "activations or reconstructions that are not finite; look at the model and the coder");
  return tensor.contiguous();
}

} // namespace

struct MetricSums::Sums {
  Sums(std::int64_t width_of_token, std::int64_t latents, std::int64_t window_size)
      : width(width_of_token), size(window_size), x(width), errors(width), window(width, size),
        firings(latents) {}

  void add_tokens(const float* given, const float* reconstruction, std::int64_t count) {
    if (tokens == 0 && count > 0)
      x.set_origin(given);
    x.add(count, [&](std::int64_t i, std::int64_t j) -> double { return given[i * width + j]; });
    errors.add(count, [&](std::int64_t i, std::int64_t j) {
      return static_cast<double>(given[i * width + j]) - reconstruction[i * width + j];
    });
    const auto products = products_of(given, reconstruction, count, width);
    for (std::int64_t i = 0; i < count; ++i)
      add_token(given + i * width, products[i]);
    tokens += count;
  }

  void add_token(const float* token, const Products& products) {
    sums.add(products);
    window.add(token, products.error);
    if (!window.full())
      return;
    window.add_to(batches);
    window.clear();
  }

  ReconstructionFit fit() const {
    BatchSums whole = batches;
    window.add_to(whole);
    const double variance = x.about_the_mean(tokens), all = static_cast<double>(tokens);
    return {.tokens = tokens,
            .window = size,
            .fvu_batch = whole.fvu / static_cast<double>(whole.tokens),
            .fvu_dataset = sums.errors / variance,
            .fvu_centred_residual = errors.about_the_mean(tokens) / variance,
            .ev_token_mean = 1 - whole.unexplained.mean(),
            .nmse_uncentred = sums.nmse.mean(),
            .mse = sums.errors / (all * static_cast<double>(width)),
            .cosine = sums.cosine.mean(),
            .l2_ratio = sums.l2_ratio.mean(),
            .relative_reconstruction_bias = sums.reconstructions / sums.both,
            .left_out = std::max(sums.cosine.left_out, whole.unexplained.left_out)};
  }

  std::int64_t width, size, tokens = 0;
  PlaceSums x, errors;
  TokenSums sums;
  BatchSums batches;
  Window window;
  FiringSums firings;
};

MetricSums::MetricSums(std::int64_t width, std::int64_t latents, std::int64_t window)
    : sums_(std::make_unique<Sums>(width, latents, window)) {
  require(width > 0 && latents > 0 && window > 0, "sae",
          "metrics of no width, latents or window; this is a mistake in the program, report it");
}
MetricSums::~MetricSums() = default;
MetricSums::MetricSums(MetricSums&& other) noexcept = default;
MetricSums& MetricSums::operator=(MetricSums&& other) noexcept = default;

void MetricSums::add(const Tensor& x, const Tensor& reconstruction, const Codes& codes) {
  const std::int64_t tokens = codes.values.size(0);
  const Tensor given = matrix_of(x, tokens, sums_->width),
               made = matrix_of(reconstruction, tokens, sums_->width);
  require(codes.indices.sizes() == codes.values.sizes(), "sae",
          "codes whose indices and values differ in shape; report it");
  sums_->firings.add(codes);
  sums_->add_tokens(given.const_data_ptr<float>(), made.const_data_ptr<float>(), tokens);
}

ReconstructionMetrics MetricSums::result() const {
  require(sums_->tokens > 0, "sae", "metrics of no tokens; give it activations");
  return {sums_->fit(), sums_->firings.result(sums_->tokens)};
}

Json to_json(const ReconstructionMetrics& metrics) {
  const ReconstructionFit& fit = metrics.fit;
  const Sparsity& sparsity = metrics.sparsity;
  return {{"tokens", fit.tokens},
          {"fvu_batch", fit.fvu_batch},
          {"fvu_batch_tokens", fit.window},
          {"fvu_dataset", fit.fvu_dataset},
          {"fvu_centred_residual", fit.fvu_centred_residual},
          {"ev_token_mean", fit.ev_token_mean},
          {"nmse_uncentred", fit.nmse_uncentred},
          {"mse", fit.mse},
          {"cosine", fit.cosine},
          {"l2_ratio", fit.l2_ratio},
          {"relative_reconstruction_bias", fit.relative_reconstruction_bias},
          {"left_out", fit.left_out},
          {"l0", sparsity.l0},
          {"l1", sparsity.l1},
          {"dead", sparsity.dead},
          {"dead_window_tokens", sparsity.tokens},
          {"above_1_percent", sparsity.above_1_percent},
          {"above_10_percent", sparsity.above_10_percent},
          {"log10_frequency",
           {{"start", histogram_start}, {"step", histogram_step}, {"counts", sparsity.histogram}}}};
}

} // namespace latticelens
