#include "evaluate/log_likelihood.h"

#include "core/error.h"
#include "evaluate/language_model.h"
#include "tensor/single_thread.h"
#include <ATen/ATen.h>
#include <cmath>

namespace latticelens {
namespace {

constexpr std::size_t predictions_at_once = 256;                // bounds the logits in memory
constexpr std::int64_t bytes_of_states = std::int64_t{1} << 30; // held while a block is loaded

/// Batches [begin, end) whose states fit in memory together.
struct Part {
  std::size_t begin, end;
};

std::vector<Part> parts_of(const std::vector<RequestRows>& batches, std::int64_t hidden) {
  const std::int64_t row_limit = bytes_of_states / (4 * hidden);
  std::vector<Part> parts;
  std::int64_t rows = 0;
  for (std::size_t i = 0; i < batches.size(); ++i) {
    const auto more = static_cast<std::int64_t>(batches[i].ids.size());
    if (parts.empty() || rows + more > row_limit) {
      parts.push_back({i, i});
      rows = 0;
    }
    rows += more;
    ++parts.back().end;
  }
  return parts;
}

/// The predictions of one batch, in slices that bound the logits.
void add_scores(const RequestRows& batch, const Tensor& hidden, const Head& head,
                std::vector<ItemScores>& scores) {
  const auto on_device = [&](const std::vector<std::int64_t>& numbers) {
    return at::tensor(numbers, at::kLong).to(hidden.device());
  };
  for (std::size_t first = 0; first < batch.predictions.size(); first += predictions_at_once) {
    const std::size_t last = std::min(first + predictions_at_once, batch.predictions.size());
    std::vector<std::int64_t> rows, tokens;
    for (std::size_t i = first; i < last; ++i) {
      rows.push_back(batch.predictions[i].row);
      tokens.push_back(batch.predictions[i].token);
    }
    const Tensor logits = logits_of(hidden.index_select(0, on_device(rows)), head);
    const Tensor target = on_device(tokens);
    const Tensor log_p =
        at::log_softmax(logits, -1).gather(1, target.unsqueeze(1)).squeeze(1).to(at::kDouble).cpu();
    const Tensor greedy = (logits.argmax(-1) == target).cpu();
    for (std::size_t i = first; i < last; ++i) {
      const Prediction& prediction = batch.predictions[i];
      RequestScore& score = scores[prediction.item][prediction.request];
      const double value = log_p.const_data_ptr<double>()[i - first];
      require(std::isfinite(value), "tasks",
              "a log-likelihood is not a finite number: weights or activations of the model "
              "overflow; quantize it again with another method");
      score.token_log_probabilities.push_back(value);
      score.log_likelihood += value;
      score.greedy = score.greedy && greedy.const_data_ptr<bool>()[i - first];
    }
  }
}

} // namespace

std::int64_t scoring_steps(const Model& model, const std::vector<TokenItem>& items,
                           const RowOptions& options) {
  const auto batches = request_rows(items, options);
  const auto parts = parts_of(batches, model.config.hidden).size();
  return static_cast<std::int64_t>(parts) * model.config.layers +
         static_cast<std::int64_t>(batches.size());
}

std::vector<ItemScores> score(const Model& model, const std::vector<TokenItem>& items,
                              const RowOptions& options, const std::function<void()>& progress) {
  const SingleThreadMkl same_bytes; // a batch of few rows goes to LibTorch
  const std::vector<RequestRows> batches = request_rows(items, options);
  std::vector<ItemScores> scores;
  for (const TokenItem& item : items)
    scores.emplace_back(item.size());
  const Head head(load_head(model));
  const auto step = [&] {
    if (progress)
      progress();
  };
  for (const Part& part : parts_of(batches, model.config.hidden)) {
    std::vector<SharedRows> rows;
    for (std::size_t i = part.begin; i < part.end; ++i)
      rows.push_back(to_tensors(batches[i]));
    const std::vector<Tensor> hidden = run_decoder(model, rows, step);
    for (std::size_t i = part.begin; i < part.end; ++i) {
      add_scores(batches[i], hidden[i - part.begin], head, scores);
      step();
    }
  }
  return scores;
}

} // namespace latticelens
