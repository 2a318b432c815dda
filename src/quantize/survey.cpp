#include "quantize/survey.h"

#include "core/error.h"
#include "core/progress.h"
#include "quantize/calibration.h"
#include "tensor/single_thread.h"
#include "tensor/token_rows.h"
#include <ATen/ATen.h>

namespace latticelens {
namespace {

const TransformSpec* surveyed(const Method& method, Site site) {
  const TransformSpec* spec = transform_at(method, site);
  return spec && needs_calibration(*spec) ? spec : nullptr;
}

/// The sum over the rows of a stage's weights of w wᵀ, fp64.
Tensor weight_gram(const Block& block, const Stage& stage) {
  const SingleThreadMkl one_thread; // the same bytes at any number of threads
  Tensor gram;
  for (const std::string& name : stage.linears) {
    const Tensor weight = block.linears.at(name).weight.to(at::kDouble),
                 own = weight.t().mm(weight);
    gram = gram.defined() ? gram + own : own;
  }
  return gram;
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

} // namespace

bool needs_survey(const Method& method) {
  return surveyed(method, Site::value_output) != nullptr;
}

Survey survey(const QuantizeRequest& request) {
  require(request.calibration.count > 0, "method",
          to_text(request.method) + ": follows from calibration text; give --calibration FILE");
  const Model& model = request.model;
  const Layout& layout = *model.layout;
  const TransformSpec& values = *surveyed(request.method, Site::value_output);
  Survey result;
  Walk walk{{model, load_embedding(model),
             token_rows(request.calibration.ids, request.calibration.length),
             request.calibration_storage},
            {}};
  Progress progress("survey block", model.config.layers, request.quiet);
  for (std::int64_t layer = 0; layer < model.config.layers; ++layer) {
    walk.block = load_block(model, layer);
    for (std::size_t s = 0; s < layout.stages.size(); ++s) {
      const Stage& stage = layout.stages[s];
      if (stage.linears.front() == layout.rotation.value_reader)
        result.values.push_back(value_transform(values, collect_moments(walk, s).moments.gram,
                                                weight_gram(walk.block, stage), model.config));
      walk.stream.advance(walk.block, s);
    }
    progress.step();
  }
  return result;
}

} // namespace latticelens
