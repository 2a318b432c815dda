#include "kernels/adam.h"

#include <cmath>
#include <gtest/gtest.h>
#include <random>
#include <vector>

namespace latticelens {
namespace {

/// Algorithm 1 of the paper, a parameter at a time, in double.
struct Parameter {
  double value, first = 0, second = 0;
  void update(const AdamStep& step, double gradient) {
    first = step.first_decay * first + (1 - step.first_decay) * gradient;
    second = step.second_decay * second + (1 - step.second_decay) * gradient * gradient;
    const double m = first / (1 - std::pow(step.first_decay, static_cast<double>(step.step))),
                 v = second / (1 - std::pow(step.second_decay, static_cast<double>(step.step)));
    value -= step.rate * m / (std::sqrt(v) + step.epsilon);
  }
};

TEST(Adam, equals_the_papers_algorithm) {
  std::mt19937 random(3);
  std::normal_distribution<float> normal;
  const std::size_t count = 1003;
  std::vector<float> parameters(count), gradient(count), first(count), second(count);
  std::vector<Parameter> expected(count);
  for (std::size_t i = 0; i < count; ++i)
    expected[i].value = parameters[i] = normal(random);
  for (std::int64_t step = 1; step <= 5; ++step) {
    const AdamStep adam{.rate = 0.01 / static_cast<double>(step), .step = step};
    for (std::size_t i = 0; i < count; ++i) {
      gradient[i] = i % 7 == 0 ? 0 : 1e-4f * normal(random);
      expected[i].update(adam, gradient[i]);
    }
    adam_update(adam, gradient, parameters, first, second);
    for (std::size_t i = 0; i < count; ++i)
      ASSERT_NEAR(parameters[i], expected[i].value, 2e-6) << i << " " << step;
  }
}

TEST(Adam, does_not_depend_on_how_parameters_are_split) {
  std::vector<float> gradient(101), whole(101, 1.0f), first(101), second(101);
  for (std::size_t i = 0; i < gradient.size(); ++i)
    gradient[i] = std::sin(static_cast<float>(i));
  auto parts = whole, first_parts = first, second_parts = second;
  adam_update({.rate = 0.1}, gradient, whole, first, second);
  for (std::size_t i = 0, n; i < gradient.size(); i += n) {
    n = std::min<std::size_t>(i % 5 + 1, gradient.size() - i);
    adam_update({.rate = 0.1}, std::span(gradient).subspan(i, n), std::span(parts).subspan(i, n),
                std::span(first_parts).subspan(i, n), std::span(second_parts).subspan(i, n));
  }
  EXPECT_EQ(parts, whole);
  EXPECT_EQ(second_parts, second);
}

} // namespace
} // namespace latticelens
