#include "quantize/input_bases.h"

#include "core/error.h"
#include "tensor/single_thread.h"
#include "tensor/total.h"
#include "transforms/block_matrix.h"
#include <ATen/ATen.h>
#include <cmath>

namespace latticelens {
namespace {

const char* const transform_end = ".input_transform";
const char* const centre_end = ".input_centre";
const char* const second_scale_end = ".input_global_scale";

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

std::int64_t width_of(const Layout& layout, const Stage& stage) {
  return shape_of(layout, stage.linears.front()).in;
}

/// What all tokens say of an input before its transform.
class InputSums {
 public:
  /// size: of the blocks whose moments are wanted; 0: none.
  InputSums(std::int64_t width, std::int64_t size)
      : sums_(at::zeros({width}, at::kDouble)),
        moments_(size > 0 ? at::zeros({width / size, size, size}, at::kDouble) : Tensor()),
        size_(size) {}

  /// x [1, t, width], its tokens counted by the squares of `factors`, if there are any: [1, t, 1]
  /// or [1, 1, 1].
  void add(const Tensor& x, const Tensor& factors) {
    const Tensor rows = x.reshape({-1, x.size(-1)});
    const Tensor own = (factors.defined() ? factors : at::ones({1}, at::kFloat))
                           .expand({1, rows.size(0), 1})
                           .reshape({-1, 1});
    const Tensor weighted = rows * own;
    const SingleThreadMkl one_thread; // the same bytes at any number of threads
    sums_ += own.t().to(at::kDouble).mm(weighted.to(at::kDouble))[0];
    total_ += total(own.square());
    if (size_ > 0)
      moments_ += block_moments(weighted, size_);
  }
  Tensor mean() const { return total_ > 0 ? sums_ / total_ : sums_; }
  /// About zero or about the mean.
  Tensor moments(bool about_mean) const {
    if (!about_mean)
      return moments_;
    const Tensor mean_blocks = mean().reshape({-1, size_, 1});
    return moments_ - total_ * at::bmm(mean_blocks, mean_blocks.transpose(1, 2));
  }

 private:
  Tensor sums_, moments_; // fp64
  double total_ = 0;
  std::int64_t size_;
};

InputSums sums_of(const Walk& walk, std::size_t s, std::int64_t size, const std::string& place,
                  const Importance* importance) {
  const Stage& stage = walk.stream.model().layout->stages[s];
  InputSums sums(width_of(*walk.stream.model().layout, stage), size);
  for (std::size_t window = 0; window < walk.stream.windows(); ++window)
    sums.add(walk.stream.raw_input(walk.block, s, window),
             importance ? importance->token_factors(place, window) : Tensor());
  return sums;
}

/// The largest magnitude that the stage's quantizer meets.
float largest_input(const Walk& walk, std::size_t s, const Transform* transform,
                    const Tensor& centre) {
  float largest = 0;
  for (std::size_t window = 0; window < walk.stream.windows(); ++window) {
    Tensor x = walk.stream.raw_input(walk.block, s, window).to(at::kFloat);
    if (x.numel() == 0)
      continue; // an expert that no token reached
    if (transform)
      x = transform->apply(x);
    if (centre.defined())
      x = x - centre;
    largest = std::max(largest, x.abs().max().item<float>());
  }
  return largest;
}

/// Of all rows that read the stage's input.
Tensor weight_moments(const Block& block, const Stage& stage, std::int64_t size,
                      const Tensor& row_factors) {
  std::vector<Tensor> weights;
  for (const std::string& name : stage.linears)
    weights.push_back(block.linears.at(name).weight);
  return block_moments(weighted(at::cat(weights), row_factors), size);
}

using Load = std::function<Tensor(const std::string&)>;

/// Error: nothing there.
Tensor load_stored(const Load& load, const std::string& name) {
  const Tensor tensor = load(name);
  require(tensor.defined(), "model", name + ": is missing from the folder; quantize anew");
  return tensor;
}

void require_fit(bool fits, std::int64_t width, const std::string& name) {
  require(fits, "model",
          name + ": does not fit inputs of " + std::to_string(width) + "; quantize anew");
}

std::shared_ptr<const BlockMatrix> load_transform(const Load& load, const std::string& name,
                                                  std::int64_t width) {
  const Tensor matrices = load_stored(load, name);
  require_fit(matrices.dim() == 3 && matrices.size(0) * matrices.size(1) == width, width, name);
  return std::make_shared<BlockMatrix>(matrices, name);
}

float load_second_scale(const Load& load, const std::string& name) {
  const Tensor scale = load_stored(load, name);
  require(scale.numel() == 1 && scale.scalar_type() == at::kFloat, "model",
          name + ": is not one number; quantize anew");
  const auto value = scale.item<float>();
  require(std::isfinite(value) && value > 0, "model",
          name + ": is no positive number; quantize anew");
  return value;
}

Tensor load_centre(const Load& load, const std::string& name, std::int64_t width) {
  const Tensor centre = load_stored(load, name);
  require_fit(centre.numel() == width, width, name);
  require(at::isfinite(centre).all().item<bool>(), "model",
          name + ": holds a number that is not finite; quantize anew");
  return centre.to(at::kFloat).flatten().contiguous();
}

} // namespace

InputBasis choose_input_basis(const Walk& walk, std::size_t s, const Method& method,
                              const ActivationSpec& activations,
                              const FoldedImportance& importance) {
  const Model& model = walk.stream.model();
  const Stage& stage = model.layout->stages[s];
  const TransformSpec* spec = input_transform(method, *model.layout, stage.name);
  const bool scaled = method.activation && method.activation->has_calibrated_scale();
  if (!spec && !method.centred && !scaled)
    return {};
  require(walk.stream.windows() > 0 || !scaled, "method",
          "activation=" + (scaled ? method.activation->name : "") +
              ": the second scale of inputs follows from calibration text; give --calibration "
              "FILE, or write activation=nvfp4/token");
  require(walk.stream.windows() > 0 || (spec && !needs_calibration(*spec) && !method.centred),
          "method",
          (spec ? "rotate=" + to_text(*spec) : "centre=mean") +
              " follows from calibration text; give --calibration FILE");
  const std::string place = block_prefix(model, walk.block.layer) + stage.name;
  const std::int64_t size = !spec            ? 0
                            : spec->size > 0 ? spec->size
                                             : width_of(*model.layout, stage);
  InputBasis basis;
  const InputSums sums = spec || method.centred
                             ? sums_of(walk, s, size, place, importance.measured())
                             : InputSums(0, 0);
  if (spec) {
    const Tensor factors = importance.output_factors(stage, walk.block.layer);
    basis.transform = std::make_shared<BlockMatrix>(
        fit_input_transform(*spec, {sums.moments(method.centred),
                                    weight_moments(walk.block, stage, size, factors)}),
        place);
  }
  const auto transform = transform_of_input(stage, *model.layout, activations, basis);
  if (method.centred) {
    const Tensor mean = sums.mean().to(at::kFloat);
    basis.centre = transform ? transform->apply(mean.unsqueeze(0))[0] : mean;
  }
  if (scaled)
    basis.second_scale =
        method.activation->second_scale(largest_input(walk, s, transform.get(), basis.centre));
  return basis;
}

void apply_input_basis(Block& block, const Stage& stage, const Layout& layout,
                       const InputBasis& basis, const ActivationSpec& activations) {
  if (basis.transform)
    for (const std::string& name : stage.linears) {
      Tensor& weight = block.linears.at(name).weight;
      weight = basis.transform->apply_to_weight(weight);
    }
  ActivationSpec of_block = activations;
  of_block.inputs = {{stage.name, basis}};
  install_input(block, stage, layout, of_block);
}

void add_input_basis(NamedTensors& tensors, const std::string& prefix, const Stage& stage,
                     const InputBasis& basis) {
  const std::string name = prefix + stage.name;
  if (basis.transform)
    tensors.emplace_back(name + transform_end, basis.transform->matrices());
  if (basis.centre.defined())
    tensors.emplace_back(name + centre_end, basis.centre);
  if (basis.second_scale)
    for (const std::string& linear : stage.linears)
      tensors.emplace_back(prefix + linear + second_scale_end,
                           at::full({1}, *basis.second_scale, at::kFloat));
}

std::map<std::string, InputBasis>
load_input_bases(const Model& model, const Method& method, std::int64_t layer,
                 const std::function<Tensor(const std::string&)>& load) {
  const Layout& layout = *model.layout;
  std::map<std::string, InputBasis> bases;
  for (const Stage& stage : layout.stages) {
    const std::string name = block_prefix(model, layer) + stage.name;
    const std::int64_t width = width_of(layout, stage);
    InputBasis basis;
    if (input_transform(method, layout, stage.name))
      basis.transform = load_transform(load, name + transform_end, width);
    if (method.centred)
      basis.centre = load_centre(load, name + centre_end, width);
    if (method.activation && method.activation->has_calibrated_scale())
      basis.second_scale = load_second_scale(load, block_prefix(model, layer) +
                                                       stage.linears.front() + second_scale_end);
    if (basis.any())
      bases[stage.name] = basis;
  }
  return bases;
}

} // namespace latticelens
