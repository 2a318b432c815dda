#include "sae/latent_search.h"

#include "core/error.h"
#include "kernels/byte_scores.h"
#include "kernels/product.h"
#include "kernels/sparse_rows.h"
#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <algorithm>

namespace latticelens {
namespace {

// Inputs that pass through all latents together: their codes stay in the second-level cache, and
// the encoder is read once for so many.
constexpr std::int64_t inputs_at_once = 256;

/// Candidates for the `count` largest: bytes may put a latent some places too low.
std::int64_t candidates_for(std::int64_t count, SearchPrecision precision) {
  return precision == SearchPrecision::fp32 ? count : count + std::max<std::int64_t>(16, count / 2);
}

std::span<const float> row_of(const Tensor& matrix, std::int64_t i) {
  const std::int64_t width = matrix.size(1);
  return {matrix.const_data_ptr<float>() + i * width, static_cast<std::size_t>(width)};
}

} // namespace

SearchPrecision fastest_search() {
  return has_byte_scores() ? SearchPrecision::bytes : SearchPrecision::fp32;
}

LatentSearch::LatentSearch(std::int64_t latents, std::int64_t width, SearchPrecision precision)
    : latents_(latents), width_(width), precision_(precision) {
  if (precision == SearchPrecision::bytes) {
    bytes_.resize(static_cast<std::size_t>(parts() * score_strip_bytes(width)));
  } else {
    floats_.resize(static_cast<std::size_t>(parts() * width * strip_width));
    bias_.resize(static_cast<std::size_t>(parts() * strip_width));
  }
}

std::int64_t LatentSearch::part_rows() const {
  return precision_ == SearchPrecision::bytes ? score_strip_rows : strip_width;
}

std::int64_t LatentSearch::parts() const {
  return (latents_ + part_rows() - 1) / part_rows();
}

void LatentSearch::pack(std::int64_t p, const Tensor& encoder, const Tensor& bias) {
  const std::int64_t first = p * part_rows(), rows = std::min(part_rows(), latents_ - first);
  const float* const from = encoder.const_data_ptr<float>() + first * width_;
  const float* const added = bias.const_data_ptr<float>() + first;
  if (precision_ == SearchPrecision::bytes) {
    pack_score_strip(from, rows, width_, added, &bytes_[p * score_strip_bytes(width_)]);
    return;
  }
  float* const to = &floats_[p * width_ * strip_width];
  for (std::int64_t j = 0; j < strip_width; ++j) {
    for (std::int64_t k = 0; k < width_; ++k)
      to[k * strip_width + j] = j < rows ? from[j * width_ + k] : 0;
    bias_[first + j] = j < rows ? added[j] : -std::numeric_limits<float>::infinity();
  }
}

void LatentSearch::pack_all(const Tensor& encoder, const Tensor& bias) {
  at::parallel_for(0, parts(), 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t p = begin; p < end; ++p)
      pack(p, encoder, bias);
  });
}

struct LatentSearch::Rows {
  std::int64_t count;
  const float* inputs; // [count, d]
  std::vector<CandidateList> lists;
  std::vector<std::uint8_t> codes;
  std::vector<float> steps, scores;
};

void LatentSearch::add_scores(Rows& rows, std::int64_t row, std::int64_t count,
                              std::int64_t p) const {
  const auto first = static_cast<std::int32_t>(p * part_rows());
  if (precision_ == SearchPrecision::bytes) {
    latticelens::add_scores(count, width_, &rows.codes[row * score_row_bytes(width_)],
                            &rows.steps[row], &bytes_[p * score_strip_bytes(width_)], first,
                            &rows.lists[row]);
    return;
  }
  product_from<float>(&bias_[first], count, width_, {rows.inputs + row * width_, width_},
                      &floats_[p * width_ * strip_width], rows.scores.data(), strip_width);
  for (std::int64_t i = 0; i < count; ++i) {
    CandidateList& list = rows.lists[row + i];
    const float* const scores = &rows.scores[i * strip_width];
    for (std::int32_t j = 0; j < strip_width; ++j)
      if (scores[j] > list.bar())
        list.add(scores[j], first + j);
  }
}

/// With the bar that the last inputs suggest: most scores are dropped at once. Where it was too
/// high an input is searched again without it, so that no bar changes a result.
void LatentSearch::find(Rows& rows, float bar) const {
  for (std::int64_t i = 0; i < rows.count; ++i) {
    rows.lists[i].clear(bar);
    if (precision_ == SearchPrecision::bytes)
      rows.steps[i] =
          encode_scored_row({rows.inputs + i * width_, static_cast<std::size_t>(width_)},
                            &rows.codes[i * score_row_bytes(width_)]);
  }
  for (std::int64_t p = 0; p < parts(); ++p)
    add_scores(rows, 0, rows.count, p);
  for (std::int64_t i = 0; i < rows.count; ++i) {
    if (rows.lists[i].is_full())
      continue;
    rows.lists[i].clear();
    for (std::int64_t p = 0; p < parts(); ++p)
      add_scores(rows, i, 1, p);
  }
}

void LatentSearch::expect_above(float lowest) const {
  constexpr float margin = 0.9f; // inputs differ
  expected_->store(lowest > 0 ? margin * lowest : -std::numeric_limits<float>::infinity(),
                   std::memory_order_relaxed);
}

namespace {

/// The exact values of candidates, the largest first, in a row of the codes.
void score_again(std::span<const Candidate> found, std::span<const float> input,
                 const CoderWeights& weights, std::span<std::int64_t> latents,
                 std::span<float> values) {
  const float* const bias = weights.encoder_bias.const_data_ptr<float>();
  std::vector<Candidate> exact;
  for (const Candidate& candidate : found)
    exact.push_back({dot(row_of(weights.encoder, candidate.place), input) + bias[candidate.place],
                     candidate.place});
  std::sort(exact.begin(), exact.end());
  for (std::size_t i = 0; i < latents.size(); ++i) {
    latents[i] = exact[i].place;
    values[i] = std::max(exact[i].score, 0.0f);
  }
}

} // namespace

Codes LatentSearch::largest(const Tensor& centred, const CoderWeights& weights,
                            std::int64_t count) const {
  require(count > 0 && count <= latents_, "sae",
          std::to_string(count) + " of " + std::to_string(latents_) +
              " latents cannot be active; give a smaller k or a larger expansion");
  const std::int64_t batch = centred.size(0),
                     wanted = std::min(candidates_for(count, precision_), latents_);
  Codes codes{at::empty({batch, count}, at::kLong), at::empty({batch, count}, at::kFloat)};
  const float* const inputs = centred.const_data_ptr<float>();
  std::int64_t* const latents = codes.indices.mutable_data_ptr<std::int64_t>();
  float* const values = codes.values.mutable_data_ptr<float>();
  // Small batches are cut finer, so that every thread has some; no cut changes a value.
  const std::int64_t threads = at::get_num_threads(),
                     step = std::clamp<std::int64_t>((batch + threads - 1) / threads, 8,
                                                     inputs_at_once);
  at::parallel_for(0, (batch + step - 1) / step, 1, [&](std::int64_t begin, std::int64_t end) {
    Rows rows{.count = 0,
              .inputs = nullptr,
              .lists = std::vector<CandidateList>(step, CandidateList(wanted)),
              .codes = std::vector<std::uint8_t>(step * score_row_bytes(width_)),
              .steps = std::vector<float>(step),
              .scores = std::vector<float>(step * strip_width)};
    for (std::int64_t part = begin; part < end; ++part) {
      const std::int64_t first = part * step;
      rows.count = std::min(step, batch - first);
      rows.inputs = inputs + first * width_;
      find(rows, expected_->load(std::memory_order_relaxed));
      float lowest = std::numeric_limits<float>::infinity();
      for (std::int64_t i = 0; i < rows.count; ++i) {
        const auto found = rows.lists[i].largest();
        lowest = std::min(lowest, found.back().score);
        score_again(found, row_of(centred, first + i), weights,
                    {latents + (first + i) * count, static_cast<std::size_t>(count)},
                    {values + (first + i) * count, static_cast<std::size_t>(count)});
      }
      expect_above(lowest);
    }
  });
  return codes;
}

std::int64_t missed_latents(const Tensor& centred, const CoderWeights& weights,
                            const Codes& found) {
  const Codes exact = reference::largest(centred, weights, found.indices.size(1));
  std::int64_t missed = 0;
  for (std::int64_t i = 0; i < centred.size(0); ++i) {
    const auto row = [&](const Codes& codes) {
      const std::int64_t* const first =
          codes.indices.const_data_ptr<std::int64_t>() + i * codes.indices.size(1);
      return std::span(first, static_cast<std::size_t>(codes.indices.size(1)));
    };
    const auto seen = row(found);
    const float* const values = exact.values.const_data_ptr<float>() + i * exact.values.size(1);
    for (std::size_t j = 0; j < seen.size(); ++j)
      missed += values[j] > 0 && std::ranges::find(seen, row(exact)[j]) == seen.end();
  }
  return missed;
}

Tensor decode(const Codes& codes, const CoderWeights& weights) {
  const std::int64_t batch = codes.indices.size(0), count = codes.indices.size(1),
                     width = weights.width();
  Tensor all = weights.bias.unsqueeze(0).repeat({batch, 1});
  const std::int64_t* const latents = codes.indices.const_data_ptr<std::int64_t>();
  const float* const values = codes.values.const_data_ptr<float>();
  float* const to = all.mutable_data_ptr<float>();
  at::parallel_for(0, batch, 16, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin * count; i < end * count; ++i)
      if (values[i] > 0)
        add_scaled(values[i], row_of(weights.decoder, latents[i]),
                   {to + i / count * width, static_cast<std::size_t>(width)});
  });
  return all;
}

namespace reference {

Codes largest(const Tensor& centred, const CoderWeights& weights, std::int64_t count) {
  const Tensor values = at::linear(centred, weights.encoder, weights.encoder_bias).relu();
  const auto [sorted, places] = values.sort(/*stable=*/true, -1, /*descending=*/true);
  return {places.slice(1, 0, count).contiguous(), sorted.slice(1, 0, count).contiguous()};
}

Tensor decode(const Codes& codes, const CoderWeights& weights) {
  const Tensor dense = at::zeros({codes.indices.size(0), weights.latents()}, at::kFloat)
                           .scatter(1, codes.indices.to(at::kLong), codes.values);
  return at::matmul(dense, weights.decoder) + weights.bias;
}

} // namespace reference
} // namespace latticelens
