#include "learn/learn_blocks.h"

#include "core/progress.h"
#include "learn/block_descent.h"
#include "learn/block_log.h"
#include "learn/learn_weights.h"
#include "learn/learning_log.h"
#include "model/attention.h"
#include "quantize/choose_rotations.h"
#include "quantize/walks.h"
#include <ATen/ATen.h>

namespace latticelens {
namespace {

/// The text's parts on both models' ways, before the block in hand.
struct BlockWalk {
  const QuantizeRequest& request; // with what was learned of the blocks before
  const Rotations& rotations;
  const Lessons lessons;
  std::vector<Tensor> quantized, original;

  BlockWalk(const QuantizeRequest& with_learned, const Rotations& of_run)
      : request(with_learned), rotations(of_run),
        lessons(request.calibration, *learning(request.method, "blocks"), request.seed) {
    const Tensor table = load_embedding(request.model),
                 stored = stored_value(table, request.storage);
    for (const Tensor& ids : lessons.parts()) {
      original.push_back(embed(table, ids, request.model.config));
      quantized.push_back(embed(stored, ids, request.model.config));
    }
  }
  void run(const Block& block, std::vector<Tensor>& stream, const Tap& tap = {}) const {
    const Rope rope = make_rope(request.model.config, stream.front().size(1));
    for (Tensor& x : stream)
      x = run_block(request.model, block, rope, x, tap);
  }
  /// Returns what its linears read.
  ChannelMaxima run_original(const Block& folded) {
    ChannelMaxima maxima;
    run(folded, original,
        [&](std::string_view place, const Tensor& x) { see_channels(maxima, place, x); });
    return maxima;
  }
  /// As the layer loop will have the block.
  void run_quantized(std::int64_t layer) {
    run(folded_block(request, rotations, layer, activations_of(request.method, rotations)),
        quantized);
  }
};

struct LearnedBlock {
  Block finished;
  BlockErrors errors;
};

/// The original's stream is behind the block already.
LearnedBlock learn_block(const BlockWalk& walk, const Block& folded, const ChannelMaxima& maxima) {
  const QuantizeRequest& request = walk.request;
  const BlockLessons lessons{walk.lessons, walk.quantized, walk.original};
  const auto error = [&](const BlockParameters& parameters) {
    return block_error(request.model, quantized_block(request, folded, parameters), lessons,
                       walk.lessons.parts_held_out());
  };
  const BlockParameters start = first_parameters(request, folded, maxima),
                        end = descend(request, folded, lessons, start);
  const BlockErrors errors{.before = error(start), .after = error(end)};
  const LearnSpec& spec = *learning(request.method, "blocks");
  check_loss(spec, spec.count("steps"), errors.after);
  return {finished_block(request, folded, end), errors};
}

} // namespace

LearnedWeights learn_blocks(const QuantizeRequest& request, const std::filesystem::path& folder,
                            const std::function<void(std::int64_t)>& each_block) {
  const LearnedWeights learned(folder / "learned");
  const std::int64_t layers = request.model.config.layers, finished = learned.written(layers);
  if (finished == layers)
    return learned;
  TimeTable times;
  const Rotations rotations = choose_rotations(request, folder, times);
  QuantizeRequest with_learned = request;
  with_learned.learned_weights = std::make_shared<const LearnedWeights>(learned);
  BlockWalk walk(with_learned, rotations);
  BlockLog log(folder, finished);
  Progress progress("learn", "blocks", layers, request.quiet);
  progress.skip(finished);
  for (std::int64_t layer = 0; layer < layers; ++layer) {
    Block folded = folded_to_learn(request, rotations, layer);
    install_activations(folded, *request.model.layout, {.down_input = rotations.down_input});
    const ChannelMaxima maxima = walk.run_original(folded);
    if (layer >= finished) {
      const LearnedBlock block = learn_block(walk, folded, maxima);
      log.add(layer, block.errors);
      learned.write(block.finished, *request.model.layout, // its rename is what finishes the block
                    LearnedParts::weights_norms_and_biases);
      progress.step(log.last());
      if (each_block)
        each_block(layer);
    }
    if (layer + 1 < layers)
      walk.run_quantized(layer);
  }
  return learned;
}

} // namespace latticelens
