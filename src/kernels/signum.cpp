#include "kernels/signum.h"

namespace latticelens {

void signum_update(const SignumStep& step, std::span<const float> gradient,
                   std::span<float> parameters, std::span<float> momentum) {
  const auto rate = static_cast<float>(step.rate), decay = static_cast<float>(step.decay);
  for (std::size_t i = 0; i < gradient.size(); ++i) {
    momentum[i] = decay * momentum[i] + (1 - decay) * gradient[i];
    const float sign = static_cast<float>(momentum[i] > 0) - static_cast<float>(momentum[i] < 0);
    parameters[i] -= rate * sign;
  }
}

} // namespace latticelens
