#include "quantize/request.h"

#include "core/error.h"

namespace latticelens {

Rotations rotations_of(const QuantizeRequest& request) {
  const bool learned = learning(request.method, "rotations");
  require(!learned || request.learned, "quantize",
          "the method learns rotations, and none are given");
  return make_rotations(request.method.transforms, request.model.config, request.seed,
                        learned ? request.learned.get() : nullptr);
}

} // namespace latticelens
