#include "quantize/folded_importance.h"

#include "tensor/single_thread.h"
#include <ATen/ATen.h>
#include <algorithm>

namespace latticelens {
namespace {

/// x T has the gradient g T⁻ᵀ, which is what a weight that reads it becomes.
Tensor squares_of(const Transform& transform, std::int64_t width) {
  const SingleThreadMkl one_thread; // the same bytes at any number of threads
  return transform.apply_to_weight(at::eye(width, at::kDouble)).square();
}

Tensor mixed(const Tensor& squares, const Tensor& by) {
  const SingleThreadMkl one_thread;
  return by.t().mv(squares);
}

} // namespace

FoldedImportance::FoldedImportance(std::shared_ptr<const Importance> measured,
                                   const Rotations& rotations, const Model& model)
    : measured_(std::move(measured)), rotations_(rotations), model_(model) {
  if (measured_ && rotations.residual)
    residual_ = squares_of(*rotations.residual, model.config.hidden);
}

Tensor FoldedImportance::folded(const std::string& linear, std::int64_t layer,
                                const Tensor& squares) const {
  const RotationSites& sites = model_.layout->rotation;
  const auto& writers = sites.residual_writers;
  if (residual_.defined() && std::find(writers.begin(), writers.end(), linear) != writers.end())
    return mixed(squares, residual_);
  const auto& heads = rotations_.layers.at(layer).value_output;
  Tensor result = squares.clone();
  for (const Rows& rows : sites.values) {
    if (rows.linear != linear || heads.empty())
      continue;
    const std::int64_t width = model_.config.head_dimension;
    for (std::int64_t h = 0; h < rows.count / width; ++h) {
      const Transform& transform = *heads.at(heads.size() == 1 ? 0 : h);
      const std::int64_t first = rows.first + h * width;
      result.slice(0, first, first + width)
          .copy_(mixed(squares.slice(0, first, first + width), squares_of(transform, width)));
    }
  }
  return result;
}

Tensor FoldedImportance::output_factors(const Stage& stage, std::int64_t layer) const {
  if (!measured_)
    return {};
  const Tensor squares = measured_->output_factors(block_prefix(model_, layer) + stage.name)
                             .flatten()
                             .to(at::kDouble)
                             .square();
  std::vector<Tensor> parts;
  std::int64_t first = 0;
  for (const std::string& name : stage.linears) {
    const std::int64_t out = shape_of(*model_.layout, name).out;
    parts.push_back(folded(name, layer, squares.slice(0, first, first + out)));
    first += out;
  }
  return at::cat(parts).sqrt().to(at::kFloat).view({-1, 1});
}

} // namespace latticelens
