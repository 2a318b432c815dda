#include "learn/learn_weights.h"

#include "core/error.h"
#include "learn/quantized_weights.h"
#include "quantize/activations.h"
#include "quantize/choose_rotations.h"
#include <ATen/ATen.h>

namespace latticelens {
namespace {

LearnedWeights weights_in(const std::filesystem::path& folder) {
  return LearnedWeights(folder / "learned");
}

/// To nearest, if weights are to be rounded meanwhile.
RoundedWeight rounding_of(const Method& method) {
  if (learning(method, "weights")->count("weights") == 0)
    return {};
  return [format = method.weight](std::int64_t, const std::string&, const Tensor& weight) {
    return rounded_to_nearest(weight, format);
  };
}

} // namespace

Block folded_to_learn(const QuantizeRequest& request, const Rotations& rotations,
                      std::int64_t layer) {
  Block block = load_block(request.model, layer);
  fold_block(block, rotations, request.model);
  for (auto& [name, linear] : block.linears) // changed in place: no view of a file or of another
    linear.weight = linear.weight.clone(at::MemoryFormat::Contiguous);
  install_activations(block, *request.model.layout, activations_of(request.method, rotations));
  return block;
}

LearnedWeights learn_weights(const QuantizeRequest& request, const std::filesystem::path& folder,
                             const EachStep& each_step) {
  const LearnedWeights learned = weights_in(folder);
  if (learned.written(request.model.config.layers) == request.model.config.layers)
    return learned;
  const LearnSpec& spec = *learning(request.method, "weights");
  TimeTable times;
  const Rotations rotations = choose_rotations(request, folder, times);
  const WeightLoss loss(request.model, rotations, rounding_of(request.method));
  std::vector<Block> blocks;
  for (std::int64_t layer = 0; layer < request.model.config.layers; ++layer)
    blocks.push_back(folded_to_learn(request, rotations, layer));
  for (const Block& block : descend({request, spec, loss, folder, each_step}, std::move(blocks)))
    learned.write(block, *request.model.layout);
  remove_state(folder);
  return learned;
}

LearnedWeights read_learned_weights(const QuantizeRequest& request,
                                    const std::filesystem::path& folder) {
  const LearnedWeights learned = weights_in(folder);
  const std::int64_t layers = request.model.config.layers;
  require(learned.written(layers) == layers, "learn",
          (folder / "learned").string() +
              ": absent or not finished; it is needed to go through this run again");
  return learned;
}

} // namespace latticelens
