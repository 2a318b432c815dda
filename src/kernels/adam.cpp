#include "kernels/adam.h"

#include <cmath>

namespace latticelens {

void adam_update(const AdamStep& step, std::span<const float> gradient, std::span<float> parameters,
                 std::span<float> first, std::span<float> second) {
  const auto steps = static_cast<double>(step.step);
  const auto b = static_cast<float>(step.first_decay), c = static_cast<float>(step.second_decay),
             rate = static_cast<float>(step.rate / (1 - std::pow(step.first_decay, steps))),
             unbiased = static_cast<float>(1 / (1 - std::pow(step.second_decay, steps))),
             epsilon = static_cast<float>(step.epsilon);
  for (std::size_t i = 0; i < gradient.size(); ++i) {
    const float g = gradient[i];
    first[i] = b * first[i] + (1 - b) * g;
    second[i] = c * second[i] + (1 - c) * g * g;
    parameters[i] -= rate * first[i] / (std::sqrt(second[i] * unbiased) + epsilon);
  }
}

} // namespace latticelens
