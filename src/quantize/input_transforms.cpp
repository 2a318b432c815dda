#include "quantize/input_transforms.h"

#include "core/error.h"
#include "tensor/single_thread.h"
#include <ATen/ATen.h>

namespace latticelens {
namespace {

const char* const ending = ".input_transform";

/// Sums over the rows of x [rows, blocks * size] of each block's outer products, fp64.
Tensor block_moments(const Tensor& x, std::int64_t size) {
  const SingleThreadMkl one_thread; // the same bytes at any number of threads
  const Tensor blocks =
      x.reshape({-1, x.size(-1) / size, size}).transpose(0, 1).to(at::kDouble).contiguous();
  return at::bmm(blocks.transpose(1, 2), blocks);
}

Tensor weighted(const Tensor& rows, const Tensor& factors) {
  return factors.defined() ? rows * factors : rows;
}

} // namespace

std::shared_ptr<const BlockMatrix> choose_input_transform(const Walk& walk, std::size_t s,
                                                          const TransformSpec& spec,
                                                          const Importance* importance) {
  const Model& model = walk.stream.model();
  const Stage& stage = model.layout->stages[s];
  const std::int64_t width = walk.block.linears.at(stage.linears.front()).weight.size(1),
                     size = spec.size > 0 ? spec.size : width;
  require(walk.stream.windows() > 0 || !needs_calibration(spec), "method",
          "rotate=" + to_text(spec) + " follows from calibration text; give --calibration FILE");
  const std::string place = block_prefix(model, walk.block.layer) + stage.name;
  BlockMoments moments{at::zeros({width / size, size, size}, at::kDouble),
                       at::zeros({width / size, size, size}, at::kDouble)};
  for (std::size_t window = 0; window < walk.stream.windows(); ++window)
    moments.inputs +=
        block_moments(weighted(walk.stream.raw_input(walk.block, s, window),
                               importance ? importance->token_factors(place, window) : Tensor()),
                      size);
  std::vector<Tensor> weights;
  for (const std::string& name : stage.linears)
    weights.push_back(walk.block.linears.at(name).weight);
  moments.weights = block_moments(
      weighted(at::cat(weights), importance ? importance->output_factors(place) : Tensor()), size);
  return std::make_shared<BlockMatrix>(fit_input_transform(spec, moments), place);
}

void apply_input_transform(Block& block, const Stage& stage,
                           const std::shared_ptr<const BlockMatrix>& transform,
                           const ActivationSpec& activations) {
  for (const std::string& name : stage.linears) {
    Tensor& weight = block.linears.at(name).weight;
    weight = transform->apply_to_weight(weight);
  }
  install_input_transform(block, stage.name, transform, activations);
}

void add_input_transform(NamedTensors& tensors, const std::string& name,
                         const BlockMatrix& transform) {
  tensors.emplace_back(name + ending, transform.matrices());
}

InputTransforms load_input_transforms(const Model& model, const Method& method, std::int64_t layer,
                                      const std::function<Tensor(const std::string&)>& load) {
  InputTransforms transforms;
  for (const Stage& stage : model.layout->stages) {
    if (!input_transform(method, *model.layout, stage.name))
      continue;
    const std::string name = block_prefix(model, layer) + stage.name + ending;
    const Tensor matrices = load(name);
    require(matrices.defined(), "model", name + ": is missing from the folder; quantize anew");
    transforms[stage.name] = std::make_shared<BlockMatrix>(matrices, name);
    std::int64_t width = 0;
    for (const LinearShape& shape : model.layout->linears)
      if (shape.name == stage.linears.front())
        width = shape.in;
    require(matrices.size(0) * matrices.size(1) == width, "model",
            name + ": does not fit inputs of " + std::to_string(width) + "; quantize anew");
  }
  return transforms;
}

} // namespace latticelens
