#include "quantize/rotations.h"

#include "core/random.h"
#include <ATen/ATen.h>

namespace latticelens {
namespace {

const TransformSpec* find(const std::vector<TransformSpec>& specs, Site site) {
  for (const TransformSpec& spec : specs)
    if (spec.site == site)
      return &spec;
  return nullptr;
}

/// W [out, in] with its columns in the new basis: x T meets W T.
Tensor rotate_columns(const Tensor& weight, const Transform& transform, std::int64_t width) {
  return transform.apply(weight.reshape({weight.size(0), -1, width})).reshape(weight.sizes());
}

/// W [out, in] with its rows in the new basis: the output y becomes y T.
Tensor rotate_rows(const Tensor& weight, const Transform& transform, std::int64_t width) {
  return rotate_columns(weight.t(), transform, width).t();
}

/// The linears of a block in fp64 while they are folded.
class DoublePrecision {
 public:
  explicit DoublePrecision(Block& block) : block_(block) {
    for (auto& [name, linear] : block_.linears)
      convert(linear, at::kDouble);
  }
  ~DoublePrecision() {
    for (auto& [name, linear] : block_.linears)
      convert(linear, at::kFloat);
  }
  Linear& operator[](const std::string& name) { return block_.linears.at(name); }

 private:
  static void convert(Linear& linear, at::ScalarType type) {
    linear.weight = linear.weight.to(type).contiguous();
    if (linear.bias.defined())
      linear.bias = linear.bias.to(type).contiguous();
  }
  Block& block_;
};

/// The rows' outputs in the new basis, their biases too.
void fold_rows(DoublePrecision& linears, const Rows& rows, const Transform& transform,
               std::int64_t width) {
  Linear& linear = linears[rows.linear];
  Tensor part = linear.weight.narrow(0, rows.first, rows.count);
  part.copy_(rotate_rows(part, transform, width));
  if (!linear.bias.defined())
    return;
  Tensor bias = linear.bias.narrow(0, rows.first, rows.count).unsqueeze(0);
  bias.copy_(rotate_columns(bias, transform, width));
}

void fold_residual(Block& block, DoublePrecision& linears, const RotationSites& sites,
                   const Transform& transform, std::int64_t hidden) {
  for (const auto& [name, readers] : sites.norm_readers) {
    Norm& norm = block.norms.at(name);
    for (const std::string& reader : readers)
      linears[reader].weight =
          rotate_columns(linears[reader].weight * norm.gain.to(at::kDouble), transform, hidden);
    norm.gain = at::ones_like(norm.gain);
  }
  for (const std::string& writer : sites.residual_writers)
    fold_rows(linears, {writer, 0, hidden}, transform, hidden);
}

void fold_values(DoublePrecision& linears, const RotationSites& sites, const Transform& transform,
                 std::int64_t head_dimension) {
  for (const Rows& values : sites.values)
    fold_rows(linears, values, transform, head_dimension);
  Tensor& reader = linears[sites.value_reader].weight;
  reader = rotate_columns(reader, transform, head_dimension);
}

void fold_online(DoublePrecision& linears, const OnlineInput& input, const Rotations& rotations) {
  const Tensor& signs = rotations.down_signs;
  for (const Rows& rows : input.signed_rows) {
    Linear& producer = linears[rows.linear];
    producer.weight.narrow(0, rows.first, rows.count).mul_(signs.unsqueeze(1));
    if (producer.bias.defined())
      producer.bias.narrow(0, rows.first, rows.count).mul_(signs);
  }
  Tensor& reader = linears[input.reader].weight;
  const Tensor signed_reader = input.signed_rows.empty() ? reader : reader * signs;
  reader = rotations.down_input->apply(signed_reader);
}

/// A table [vocabulary, hidden] times the norm's gain, rotated in fp64 a few thousand rows at a
/// time.
Tensor rotate_table(const Tensor& table, const Tensor& gain, const Transform& transform) {
  constexpr std::int64_t rows_at_once = 4096;
  Tensor rotated = at::empty_like(table);
  for (std::int64_t first = 0; first < table.size(0); first += rows_at_once) {
    const Tensor rows =
        table.slice(0, first, first + rows_at_once).to(at::kDouble) * gain.to(at::kDouble);
    rotated.slice(0, first, first + rows_at_once).copy_(transform.apply(rows));
  }
  return rotated;
}

} // namespace

Rotations make_rotations(const std::vector<TransformSpec>& specs, const Config& config,
                         std::uint64_t seed) {
  Rotations rotations;
  if (const auto* spec = find(specs, Site::residual))
    rotations.residual =
        make_transform(*spec, {.width = config.hidden, .seed = derived_seed(seed, "residual")});
  if (const auto* spec = find(specs, Site::value_output))
    rotations.value_output = make_transform(
        *spec, {.width = config.head_dimension, .seed = derived_seed(seed, "value_output")});
  if (const auto* spec = find(specs, Site::down_input)) {
    TransformPlace place{.width = config.intermediate, .seed = derived_seed(seed, "down_input")};
    rotations.down_signs = transform_signs(*spec, place);
    place.random_signs = false;
    rotations.down_input = make_transform(*spec, place);
  }
  return rotations;
}

void fold_block(Block& block, const Rotations& rotations, const Model& model) {
  const RotationSites& sites = model.layout->rotation;
  DoublePrecision linears(block);
  if (rotations.residual)
    fold_residual(block, linears, sites, *rotations.residual, model.config.hidden);
  if (rotations.value_output)
    fold_values(linears, sites, *rotations.value_output, model.config.head_dimension);
  if (rotations.down_input)
    for (const OnlineInput& input : sites.down)
      fold_online(linears, input, rotations);
}

OuterWeights fold_outer(const Model& model, const Rotations& rotations) {
  OuterWeights outer{load_embedding(model), load_final_norm(model),
                     model.config.tied ? Tensor() : load_head(model)};
  if (!rotations.residual)
    return outer;
  const Tensor head =
      outer.head.defined() ? outer.head : outer.embedding; // untied before anything is folded
  const Tensor ones = at::ones_like(outer.norm.gain);
  outer.head = rotate_table(head, outer.norm.gain, *rotations.residual);
  outer.embedding = rotate_table(outer.embedding, ones, *rotations.residual);
  outer.norm.gain = ones;
  return outer;
}

} // namespace latticelens
