#include "quantize/survey.h"

#include "core/error.h"
#include "core/progress.h"
#include "core/random.h"
#include "quantize/stream_basis.h"
#include "tensor/token_rows.h"
#include <ATen/ATen.h>

namespace latticelens {
namespace {

const TransformSpec* surveyed(const Method& method, Site site) {
  const TransformSpec* spec = transform_at(method, site);
  return spec && needs_calibration(*spec) ? spec : nullptr;
}

/// The diagonal blocks of [heads * width, heads * width], summed over the query heads that share
/// values: [key-value heads * blocks, size, size].
Tensor head_blocks(const Tensor& moments, const Config& config, std::int64_t size) {
  const std::int64_t blocks = config.head_dimension / size, heads = config.heads;
  Tensor parts = at::zeros({heads * blocks, size, size}, at::kDouble);
  for (std::int64_t i = 0; i < heads * blocks; ++i)
    parts[i].copy_(moments.slice(0, i * size, (i + 1) * size).slice(1, i * size, (i + 1) * size));
  return parts.reshape({config.key_value_heads, -1, blocks, size, size})
      .sum(1)
      .reshape({-1, size, size});
}

Tensor value_transform(const TransformSpec& spec, const Tensor& inputs, const Tensor& weights,
                       const Config& config) {
  const std::int64_t size = spec.size > 0 ? spec.size : config.head_dimension;
  return fit_input_transform(
      spec, {head_blocks(inputs, config, size), head_blocks(weights, config, size)});
}

/// A model as it is, but for norms' gains and centring that go into the weights when the stream is
/// rotated, here by the identity.
Rotations identity_of_stream(const Model& model) {
  return {.residual = make_transform({"hadamard", 1, Site::residual},
                                     {.width = model.config.hidden, .random_signs = false}),
          .layers = std::vector<LayerRotations>(model.config.layers)};
}

/// The original model on its way through the calibration text.
class SurveyWalk {
 public:
  SurveyWalk(const QuantizeRequest& request, bool fold_norms)
      : model_(request.model),
        folded_(fold_norms ? std::optional(identity_of_stream(model_)) : std::nullopt),
        walk_{{model_, folded_ ? fold_outer(model_, *folded_).embedding : load_embedding(model_),
               token_rows(request.calibration.ids, request.calibration.length),
               request.calibration_storage},
              {}} {}

  void load(std::int64_t layer) {
    walk_.block = load_block(model_, layer);
    if (folded_)
      fold_block(walk_.block, *folded_, model_);
  }
  void advance(std::size_t stage) { walk_.stream.advance(walk_.block, stage); }
  const Walk& here() const { return walk_; }

 private:
  const Model& model_;
  std::optional<Rotations> folded_;
  Walk walk_;
};

} // namespace

bool needs_survey(const Method& method) {
  return surveyed(method, Site::value_output) || surveyed(method, Site::residual);
}

Survey survey(const QuantizeRequest& request) {
  require(request.calibration.count > 0, "method",
          to_text(request.method) + ": follows from calibration text; give --calibration FILE");
  const Model& model = request.model;
  const std::vector<Stage>& stages = model.layout->stages;
  const TransformSpec *values = surveyed(request.method, Site::value_output),
                      *residual = surveyed(request.method, Site::residual);
  Survey result;
  StreamReaders readers(model);
  SurveyWalk walk(request, /*fold_norms=*/residual != nullptr);
  Progress progress("survey", "blocks", model.config.layers, request.quiet);
  for (std::int64_t layer = 0; layer < model.config.layers; ++layer) {
    walk.load(layer);
    for (std::size_t s = 0; s < stages.size(); ++s) {
      if (values && stages[s].linears.front() == model.layout->rotation.value_reader)
        result.values.push_back(
            value_transform(*values, collect_moments(walk.here(), s).moments.gram,
                            weight_gram(walk.here().block, stages[s]), model.config));
      if (residual && readers.has(stages[s]))
        readers.add(walk.here(), s, request.importance.get());
      walk.advance(s);
    }
    progress.step();
  }
  progress.finish();
  if (residual)
    result.residual =
        readers.rotation(*residual, derived_seed(request.seed, "residual"), request.quiet);
  return result;
}

} // namespace latticelens
