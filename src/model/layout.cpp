#include "model/layout.h"

#include "core/error.h"
#include <algorithm>

namespace latticelens {

const LinearShape& shape_of(const Layout& layout, const std::string& linear) {
  const auto found = std::find_if(layout.linears.begin(), layout.linears.end(),
                                  [&](const LinearShape& shape) { return shape.name == linear; });
  require(found != layout.linears.end(), "model", "this family's blocks have no linear " + linear);
  return *found;
}

bool in_a_stage(const Layout& layout, const std::string& linear) {
  return std::any_of(layout.stages.begin(), layout.stages.end(), [&](const Stage& stage) {
    return std::count(stage.linears.begin(), stage.linears.end(), linear) > 0;
  });
}

} // namespace latticelens
