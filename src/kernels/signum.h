// Signum's update (Bernstein et al. 2018): steps of one size in the direction of the momentum.
#pragma once
#include <span>

namespace latticelens {

struct SignumStep {
  double rate = 0;
  double decay = 0.95; // of the momentum
};

/// All of one length.
void signum_update(const SignumStep& step, std::span<const float> gradient,
                   std::span<float> parameters, std::span<float> momentum);

} // namespace latticelens
