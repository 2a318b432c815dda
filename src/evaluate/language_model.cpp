#include "evaluate/language_model.h"

#include "core/error.h"
#include "kernels/softmax.h"
#include "tensor/token_rows.h"
#include <ATen/ATen.h>
#include <ATen/Parallel.h>

namespace latticelens {
namespace {

constexpr std::int64_t positions_at_once = 256; // bounds the logits in memory

struct Sums {
  double loss = 0, original_loss = 0, kl = 0;
  std::int64_t agreeing = 0;
};

/// What the logits [n, vocabulary] of each position are normalised by: [n, 1] fp64.
Tensor log_sums_of(const Tensor& logits) {
  if (!has_kernels(logits))
    return at::logsumexp(logits.to(at::kDouble), -1, /*keepdim=*/true);
  const Tensor x = logits.contiguous();
  Tensor sums = at::empty({x.size(0), 1}, at::kDouble);
  at::parallel_for(0, x.size(0), 1, [&](std::int64_t begin, std::int64_t end) {
    log_sums_of_exponentials(end - begin, x.size(1), x.const_data_ptr<float>() + begin * x.size(1),
                             sums.data_ptr<double>() + begin);
  });
  return sums;
}

/// The logits of one chunk of positions, and what they are normalised by.
struct Prediction {
  explicit Prediction(const Tensor& x) : logits(x), log_sums(log_sums_of(x)) {}
  Tensor logits, log_sums;

  Tensor log_probabilities() const { return logits - log_sums.to(at::kFloat); }
  Tensor losses(const Tensor& targets) const {
    const Tensor chosen = logits.gather(1, targets.to(logits.device()).unsqueeze(1));
    return (log_sums - chosen).flatten().cpu();
  }
};

/// Every position predicts the token `targets` holds for it.
Positions compare_chunk(const Prediction& model, const std::optional<Prediction>& original,
                        const Tensor& targets) {
  Positions at{.loss = model.losses(targets)};
  if (!original)
    return at;
  at.original_loss = original->losses(targets);
  const Tensor log_q = original->log_probabilities(), log_p = model.log_probabilities();
  at.kl = log_q.exp().mul_(log_q - log_p).sum(-1).to(at::kDouble).cpu();
  at.likeliest = model.logits.argmax(-1).cpu();
  at.original_likeliest = original->logits.argmax(-1).cpu();
  return at;
}

void add(const Positions& at, Sums& sums) {
  sums.loss += at.loss.sum().item<double>();
  if (!at.kl.defined())
    return;
  sums.original_loss += at.original_loss.sum().item<double>();
  sums.kl += at.kl.sum().item<double>();
  sums.agreeing += (at.likeliest == at.original_likeliest).sum().item<std::int64_t>();
}

Sums compare_window(const Side& model, const Side* original, std::int64_t window, const Tensor& ids,
                    const std::function<void(const Positions&)>& each) {
  Sums total;
  const std::int64_t predictions = ids.numel() - 1;
  for (std::int64_t first = 0; first < predictions; first += positions_at_once) {
    const std::int64_t last = std::min(first + positions_at_once, predictions);
    const auto predicted = [&](const Side& side) {
      return Prediction(logits_of(side.hidden[window].slice(0, first, last), side.head));
    };
    Positions at = compare_chunk(predicted(model),
                                 original ? std::optional(predicted(*original)) : std::nullopt,
                                 ids.slice(0, first + 1, last + 1));
    at.window = window;
    at.first = first;
    add(at, total);
    if (each)
      each(at);
  }
  return total;
}

double mean(const std::vector<double>& values) {
  double sum = 0;
  for (const double value : values)
    sum += value;
  return sum / static_cast<double>(values.size());
}

} // namespace

Head::Head(const Linear& linear) : bias(linear.bias) {
  if (has_kernels(linear.weight))
    strips.emplace(linear.weight);
  else
    weight = linear.weight;
}

Tensor logits_of(const Tensor& hidden, const Head& head) {
  return head.strips ? linear_of(hidden, *head.strips, head.bias)
                     : linear_of(hidden, head.weight, head.bias);
}

std::int64_t evaluation_steps(const Model& model, const Model* original,
                              const TokenWindows& windows) {
  return model.config.layers + (original ? original->config.layers : 0) + windows.count;
}

Side side_of(const Model& model, const TokenWindows& windows,
             const std::function<void()>& progress) {
  require(windows.length >= 2, "evaluate",
          "a window of one token predicts nothing; give --window 2 or more");
  const auto step = [&](std::int64_t) {
    if (progress)
      progress();
  };
  return {run_decoder(model, token_rows(windows.ids, windows.length), step),
          Head(load_head(model))};
}

Evaluation compare(const Side& model, const Side* original, const TokenWindows& windows,
                   const std::function<void()>& progress,
                   const std::function<void(const Positions&)>& each) {
  const std::vector<Tensor> ids = token_rows(windows.ids, windows.length);
  const auto predictions = static_cast<double>(windows.length - 1);
  Evaluation result;
  Divergence divergence;
  double original_loss = 0;
  std::int64_t agreeing = 0;
  for (std::size_t i = 0; i < ids.size(); ++i) {
    const Sums sums = compare_window(model, original, static_cast<std::int64_t>(i), ids[i], each);
    result.window_loss.push_back(sums.loss / predictions);
    divergence.window_kl.push_back(sums.kl / predictions);
    agreeing += sums.agreeing;
    original_loss += sums.original_loss / predictions;
    if (progress)
      progress();
  }
  result.mean_loss = mean(result.window_loss);
  result.perplexity = std::exp(result.mean_loss);
  if (!original)
    return result;
  const auto count = static_cast<double>(windows.count);
  divergence.original_mean_loss = original_loss / count;
  divergence.kl = mean(divergence.window_kl);
  divergence.top1_agreement = static_cast<double>(agreeing) / (count * predictions);
  result.divergence = divergence;
  return result;
}

Evaluation evaluate(const Model& model, const Model* original, const TokenWindows& windows,
                    const std::function<void()>& progress,
                    const std::function<void(const Positions&)>& each) {
  require(!original || original->config.vocabulary == model.config.vocabulary, "evaluate",
          model.path.string() + " and " + (original ? original->path.string() : "") +
              " have vocabularies of different sizes; they cannot be compared token by token");
  const Side side = side_of(model, windows, progress);
  std::optional<Side> other;
  if (original)
    other = side_of(*original, windows, progress);
  return compare(side, other ? &*other : nullptr, windows, progress, each);
}

} // namespace latticelens
