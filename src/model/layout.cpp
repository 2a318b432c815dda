#include "model/layout.h"

#include <algorithm>

namespace latticelens {

bool in_a_stage(const Layout& layout, const std::string& linear) {
  return std::any_of(layout.stages.begin(), layout.stages.end(), [&](const Stage& stage) {
    return std::count(stage.linears.begin(), stage.linears.end(), linear) > 0;
  });
}

} // namespace latticelens
