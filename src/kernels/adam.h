// Adam's update, in one pass over parameters, gradient and both moments.
#pragma once
#include <cstdint>
#include <span>

namespace latticelens {

/// Kingma and Ba, "Adam" (arXiv 1412.6980), algorithm 1.
struct AdamStep {
  double rate = 0;
  std::int64_t step = 1; // from 1: what the moments' bias is corrected for
  double first_decay = 0.9;
  double second_decay = 0.95;
  double epsilon = 1e-12;
};

/// What a step comes to for every number: made once where a step has many parts.
struct AdamFactors {
  explicit AdamFactors(const AdamStep& step);
  float first, second, rate, unbiased, epsilon;
};

/// All of one length. The same bytes however the parameters are split, on every processor.
void adam_update(const AdamFactors& step, std::span<const float> gradient,
                 std::span<float> parameters, std::span<float> first, std::span<float> second);
void adam_update(const AdamStep& step, std::span<const float> gradient, std::span<float> parameters,
                 std::span<float> first, std::span<float> second);

} // namespace latticelens
