#include "formats/kept_values.h"

#include "kernels/best_paths.h"
#include <ATen/ATen.h>

namespace latticelens {

// A rule looks at a block's largest value only. So pairs will do: every level as the largest,
// beside each that is not above it. Powers of two shift all of this alike.
bool nearest_keeps_values(const Format& format) {
  if (format.rule.scale_grid || !format.rule.multipliers.empty())
    return false;
  std::vector<float> pairs;
  for (const auto largest : levels_of(format.grid).levels)
    for (const auto level : levels_of(format.grid).levels)
      if (largest > 0 && level >= 0 && level <= largest) {
        pairs.push_back(static_cast<float>(largest));
        pairs.push_back(static_cast<float>(level));
      }
  Format of_pairs = format;
  of_pairs.block = 2;
  const Tensor values = at::tensor(pairs, at::kFloat).view({-1, 2});
  SnapCounts counts;
  return at::equal(of_pairs.snap(values, of_pairs.fit(values), counts), values);
}

} // namespace latticelens
