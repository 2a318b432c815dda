// Klein's randomised nearest plane, in the box: the best of several draws (Klein; box-constrained
// as in OJBKQ).
#pragma once
#include "lattice/babai.h"

namespace latticelens {

struct KleinOptions {
  std::int64_t samples = 8;
  double temperature = 0.01; // of the draw; large ones flip too many coordinates at once
  std::uint64_t seed = 0;
};

/// Per row the least error of Babai's own choice and `samples` draws, in which a level v is taken
/// with a probability proportional to exp(-L_ii² (target - v)² / (temperature * scale)), scale the
/// mean of (L_ii step_i)² over the row. Steps are those that Babai's rule chose. The same bytes for
/// a seed, at any number of threads.
BabaiResult klein(const Tensor& weights, const Tensor& l, const ElementGrid& grid,
                  const KleinOptions& klein_options, const BabaiOptions& options,
                  const ChooseSteps& choose);

} // namespace latticelens
