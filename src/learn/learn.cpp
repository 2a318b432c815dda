#include "learn/learn.h"

#include "learn/learn_blocks.h"
#include "learn/learn_codes.h"
#include "learn/learn_rotations.h"
#include "learn/learn_weights.h"
#include "learn/measure_importance.h"

namespace latticelens {
namespace {

template<class T>
std::shared_ptr<const T> shared(T value) {
  return std::make_shared<const T>(std::move(value));
}

} // namespace

void learn(QuantizeRequest& request, const std::filesystem::path& folder) {
  if (request.method.importance)
    request.importance = shared(measure_importance(request, folder));
  if (learning(request.method, "rotations"))
    request.learned = shared(learn_rotations(request, folder));
  if (learning(request.method, "weights"))
    request.learned_weights = shared(learn_weights(request, folder));
  if (learning(request.method, "blocks"))
    request.learned_weights = shared(learn_blocks(request, folder));
}

void learn_rounded(const QuantizeRequest& request, RunDirectory& run) {
  if (learning(request.method, "codes"))
    learn_codes(request, run);
}

void read_learned(QuantizeRequest& request, const std::filesystem::path& folder) {
  if (request.method.importance)
    request.importance = shared(measure_importance(request, folder));
  if (learning(request.method, "rotations"))
    request.learned = shared(read_learned_rotations(request, folder));
  if (learning(request.method, "weights") || learning(request.method, "blocks"))
    request.learned_weights = shared(read_learned_weights(request, folder));
}

} // namespace latticelens
