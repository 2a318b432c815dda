#include "quantize/request.h"

#include "core/error.h"

namespace latticelens {

Rotations rotations_of(const QuantizeRequest& request) {
  require(!request.method.learn || request.learned, "quantize",
          "the method learns rotations, and none are given");
  return make_rotations(request.method.transforms, request.model.config, request.seed,
                        request.method.learn ? request.learned.get() : nullptr);
}

} // namespace latticelens
