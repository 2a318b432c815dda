#include "quantize/rotations.h"

#include "core/random.h"
#include "transforms/orthogonal.h"
#include <ATen/ATen.h>

namespace latticelens {
namespace {

/// The transform to be drawn at a site; null: none, or calibration chooses it.
const TransformSpec* find(const std::vector<TransformSpec>& specs, Site site) {
  for (const TransformSpec& spec : specs)
    if (spec.site == site)
      return needs_calibration(spec) ? nullptr : &spec;
  return nullptr;
}

/// W [out, in] with its columns in the new basis: x T meets W T⁻ᵀ.
Tensor rotate_columns(const Tensor& weight, const Transform& transform, std::int64_t width) {
  return transform.apply_to_weight(weight.reshape({weight.size(0), -1, width}))
      .reshape(weight.sizes());
}

/// W [out, in] with its rows in the new basis: the output y becomes y T.
Tensor rotate_rows(const Tensor& weight, const Transform& transform, std::int64_t width) {
  return transform.apply(weight.t().reshape({weight.size(1), -1, width}))
      .reshape({weight.size(1), weight.size(0)})
      .t();
}

/// The linears of a block in another precision while they are folded.
class FoldedLinears {
 public:
  FoldedLinears(Block& block, at::ScalarType precision) : block_(block), precision_(precision) {
    for (auto& [name, linear] : block_.linears)
      convert(linear, precision);
  }
  ~FoldedLinears() {
    for (auto& [name, linear] : block_.linears)
      convert(linear, at::kFloat);
  }
  Linear& operator[](const std::string& name) { return block_.linears.at(name); }
  Tensor in_precision(const Tensor& x) const { return x.to(precision_); }

 private:
  static void convert(Linear& linear, at::ScalarType type) {
    // A copy in any case: loaded weights may be a file's mapping, and rows are written in place.
    const auto converted = [type](const Tensor& x) {
      return x.to(x.options().dtype(type), /*non_blocking=*/false, /*copy=*/true,
                  at::MemoryFormat::Contiguous);
    };
    linear.weight = converted(linear.weight);
    if (linear.bias.defined())
      linear.bias = converted(linear.bias);
  }
  Block& block_;
  at::ScalarType precision_;
};

/// The rows' outputs in the new basis, their biases too.
void fold_rows(FoldedLinears& linears, const Rows& rows, const Transform& transform,
               std::int64_t width) {
  Linear& linear = linears[rows.linear];
  Tensor part = linear.weight.narrow(0, rows.first, rows.count);
  part.copy_(rotate_rows(part, transform, width));
  if (!linear.bias.defined())
    return;
  Tensor bias = linear.bias.narrow(0, rows.first, rows.count).unsqueeze(0);
  bias.copy_(transform.apply(bias.reshape({1, -1, width})).reshape(bias.sizes()));
}

/// The norm's gain and bias go into a linear [out, in] that reads the normed stream.
void fold_norm(Linear& reader, const Norm& norm) {
  const at::ScalarType precision = reader.weight.scalar_type();
  if (norm.bias.defined()) {
    const Tensor shift = at::mv(reader.weight, norm.bias.to(precision));
    reader.bias = reader.bias.defined() ? reader.bias + shift : shift;
  }
  reader.weight = reader.weight * norm.gain.to(precision);
}

/// Of a norm whose gain, bias and mean have gone into its neighbours.
Norm plain_norm(const Norm& norm) {
  return {.gain = at::ones_like(norm.gain), .bias = {}};
}

/// What a layer norm subtracts, the mean over the stream's coordinates, is subtracted by those who
/// write to the stream.
void centre(Linear& writer) {
  writer.weight = writer.weight - writer.weight.mean(0, /*keepdim=*/true);
  if (writer.bias.defined())
    writer.bias = writer.bias - writer.bias.mean();
}

void fold_residual(Block& block, FoldedLinears& linears, const RotationSites& sites,
                   const Transform& transform, const Config& config) {
  for (const auto& [name, readers] : sites.norm_readers) {
    Norm& norm = block.norms.at(name);
    for (const std::string& reader : readers) {
      fold_norm(linears[reader], norm);
      Tensor& weight = linears[reader].weight;
      weight = rotate_columns(weight, transform, config.hidden);
    }
    norm = plain_norm(norm);
  }
  for (const std::string& writer : sites.residual_writers) {
    if (config.layer_norm)
      centre(linears[writer]);
    fold_rows(linears, {writer, 0, config.hidden}, transform, config.hidden);
  }
}

using SharedTransform = std::shared_ptr<const Transform>;

/// A head's values in the new basis, and the columns of all query heads that read them.
void fold_values(FoldedLinears& linears, const RotationSites& sites,
                 const std::vector<SharedTransform>& heads, const Config& config) {
  const std::int64_t width = config.head_dimension, group = config.heads / config.key_value_heads;
  const auto transform_of = [&](std::int64_t head) -> const Transform& {
    return *heads[heads.size() == 1 ? 0 : head];
  };
  std::int64_t head = 0;
  for (const Rows& values : sites.values)
    for (std::int64_t first = 0; first < values.count; first += width, ++head)
      fold_rows(linears, {values.linear, values.first + first, width}, transform_of(head), width);
  Tensor& reader = linears[sites.value_reader].weight;
  for (std::int64_t query = 0; query < config.heads; ++query) {
    Tensor columns = reader.narrow(1, query * width, width);
    columns.copy_(rotate_columns(columns, transform_of(query / group), width));
  }
}

void fold_online(FoldedLinears& linears, const OnlineInput& input, const Rotations& rotations) {
  const Tensor signs = linears.in_precision(rotations.down_signs);
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

/// Replaces a table [vocabulary, hidden] a few thousand rows in fp64 at a time.
Tensor change_rows(const Tensor& table, const std::function<Tensor(const Tensor&)>& change) {
  constexpr std::int64_t rows_at_once = 4096;
  Tensor changed = at::empty_like(table);
  for (std::int64_t first = 0; first < table.size(0); first += rows_at_once)
    changed.slice(0, first, first + rows_at_once)
        .copy_(change(table.slice(0, first, first + rows_at_once).to(at::kDouble)));
  return changed;
}

Linear fold_head(const Linear& head, const Norm& norm, const Transform& transform) {
  Linear folded = head;
  if (norm.bias.defined()) {
    const Tensor shift = at::mv(head.weight.to(at::kDouble), norm.bias.to(at::kDouble));
    folded.bias = (head.bias.defined() ? shift + head.bias : shift).to(at::kFloat);
  }
  const Tensor gain = norm.gain.to(at::kDouble);
  folded.weight =
      change_rows(head.weight, [&](const Tensor& rows) { return transform.apply(rows * gain); });
  return folded;
}

std::shared_ptr<const Transform> shared(std::unique_ptr<Transform> transform) {
  return transform;
}

} // namespace

std::shared_ptr<const Transform> make_query_key_rotation(const std::vector<TransformSpec>& specs,
                                                         const Config& config) {
  const TransformSpec* spec = find(specs, Site::query_key);
  // Signs could not be folded past the rotary positions, so there are none.
  return spec ? shared(
                    make_transform(*spec, {.width = config.head_dimension, .random_signs = false}))
              : nullptr;
}

Rotations make_rotations(const std::vector<TransformSpec>& specs, const Config& config,
                         std::uint64_t seed, const LearnedRotations* learned) {
  Rotations rotations;
  rotations.layers.resize(config.layers);
  if (const auto* spec = find(specs, Site::residual))
    rotations.residual =
        learned ? std::make_shared<const Orthogonal>(learned->residual, to_text(*spec))
                : shared(make_transform(
                      *spec, {.width = config.hidden, .seed = derived_seed(seed, "residual")}));
  if (const auto* spec = find(specs, Site::value_output)) {
    const auto drawn = shared(make_transform(
        *spec, {.width = config.head_dimension, .seed = derived_seed(seed, "value_output")}));
    for (std::size_t layer = 0; layer < rotations.layers.size(); ++layer)
      rotations.layers[layer].value_output = {
          learned
              ? std::make_shared<const Orthogonal>(learned->value_output.at(layer), to_text(*spec))
              : drawn};
  }
  rotations.query_key = make_query_key_rotation(specs, config);
  if (const auto* spec = find(specs, Site::down_input)) {
    TransformPlace place{.width = config.intermediate, .seed = derived_seed(seed, "down_input")};
    rotations.down_signs = transform_signs(*spec, place);
    place.random_signs = false;
    rotations.down_input = make_transform(*spec, place);
  }
  return rotations;
}

void fold_block(Block& block, const Rotations& rotations, const Model& model,
                at::ScalarType precision) {
  const RotationSites& sites = model.layout->rotation;
  FoldedLinears linears(block, precision);
  if (rotations.residual)
    fold_residual(block, linears, sites, *rotations.residual, model.config);
  const auto& values = rotations.layers.at(block.layer).value_output;
  if (!values.empty())
    fold_values(linears, sites, values, model.config);
  if (rotations.down_input)
    for (const OnlineInput& input : sites.down)
      fold_online(linears, input, rotations);
}

OuterWeights fold_outer(const Model& model, const Rotations& rotations) {
  OuterWeights outer{load_embedding(model), load_final_norm(model),
                     model.config.tied ? Linear() : load_head(model)};
  if (!rotations.residual)
    return outer;
  const Transform& transform = *rotations.residual;
  const bool tied = !outer.head.weight.defined(); // untied before anything is folded
  outer.head = fold_head(tied ? Linear{outer.embedding, {}} : outer.head, outer.norm, transform);
  outer.embedding = change_rows(outer.embedding, [&](const Tensor& rows) {
    return transform.apply(model.config.layer_norm ? rows - rows.mean(1, true) : rows);
  });
  outer.norm = plain_norm(outer.norm);
  return outer;
}

} // namespace latticelens
