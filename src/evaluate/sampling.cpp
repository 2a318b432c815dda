#include "evaluate/sampling.h"

#include "core/error.h"
#include <ATen/ATen.h>
#include <algorithm>
#include <cmath>

namespace latticelens {
namespace {

struct Candidate {
  std::int64_t token;
  double weight; // its probability, unnormalised: the likeliest has 1
};

/// Of equal ones the first.
std::int64_t likeliest_of(const Tensor& logits) {
  const Tensor values = logits.to(at::kFloat).contiguous();
  const float* value = values.const_data_ptr<float>();
  return std::max_element(value, value + values.numel()) - value;
}

/// The tokens that may be drawn, likeliest first.
std::vector<Candidate> candidates_of(const Tensor& logits, const Sampling& sampling) {
  const Tensor values = logits.to(at::kFloat).contiguous();
  const float* value = values.const_data_ptr<float>();
  const std::int64_t count = values.numel();
  const float largest = *std::max_element(value, value + count);
  std::vector<Candidate> all;
  for (std::int64_t i = 0; i < count; ++i)
    all.push_back({i, std::exp((double{value[i]} - largest) / sampling.temperature)});
  std::stable_sort(all.begin(), all.end(),
                   [](const Candidate& a, const Candidate& b) { return a.weight > b.weight; });
  if (sampling.top_k > 0 && sampling.top_k < count)
    all.resize(sampling.top_k);
  return all;
}

double total(const std::vector<Candidate>& candidates) {
  double sum = 0;
  for (const Candidate& candidate : candidates)
    sum += candidate.weight;
  return sum;
}

void keep_top_p(std::vector<Candidate>& candidates, double top_p) {
  const double enough = top_p * total(candidates);
  double sum = 0;
  const auto last =
      std::find_if(candidates.begin(), candidates.end(), [&](const Candidate& candidate) {
        sum += candidate.weight;
        return sum >= enough;
      });
  if (last != candidates.end())
    candidates.erase(last + 1, candidates.end());
}

} // namespace

void check_sampling(const Sampling& sampling) {
  require(sampling.temperature >= 0 && std::isfinite(sampling.temperature), "generate",
          "--temperature must be 0 (the likeliest token) or more");
  require(sampling.top_k >= 0, "generate", "--top-k must be 0 (all tokens) or more");
  require(sampling.top_p > 0 && sampling.top_p <= 1, "generate",
          "--top-p must be above 0 and at most 1");
}

std::int64_t choose_token(const Tensor& logits, const Sampling& sampling, Random& random) {
  const bool sane = !logits.isnan().any().item<bool>() && at::isfinite(logits.max()).item<bool>();
  require(sane, "generate",
          "the model's logits are not finite: weights or activations overflow; quantize it again "
          "with another method");
  if (sampling.temperature == 0)
    return likeliest_of(logits);
  std::vector<Candidate> candidates = candidates_of(logits, sampling);
  keep_top_p(candidates, sampling.top_p);
  double left = random.uniform() * total(candidates);
  for (const Candidate& candidate : candidates)
    if ((left -= candidate.weight) < 0)
      return candidate.token;
  return candidates.back().token; // what rounding left over
}

} // namespace latticelens
