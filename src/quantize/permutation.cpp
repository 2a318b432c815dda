#include "quantize/permutation.h"

#include "core/error.h"
#include "core/progress.h"
#include "core/words.h"
#include "tensor/safetensors.h"
#include "tensor/token_rows.h"
#include <ATen/ATen.h>
#include <algorithm>
#include <map>

namespace latticelens {
namespace {

/// The mean over the layers of a norm's |gain|, divided by its mean over the channels.
Tensor mean_gain(const Model& model, const std::string& norm) {
  Tensor sum = at::zeros({model.config.hidden}, at::kDouble);
  for (std::int64_t layer = 0; layer < model.config.layers; ++layer)
    sum += load_weight(*model.tensors, block_prefix(model, layer) + norm + ".weight",
                       {model.config.hidden})
               .to(at::kDouble)
               .abs();
  return sum / sum.mean();
}

/// Massive channels are those that norms damp. Next to each other they raise few blocks' scales,
/// and the gains inside a block are alike, so that folding them before a rotation loses little.
Tensor graded(const Model& model, const TokenWindows&, std::int64_t, bool) {
  Tensor grade = at::ones({model.config.hidden}, at::kDouble);
  for (const auto& [norm, readers] : model.layout->rotation.norm_readers)
    grade *= mean_gain(model, norm);
  return at::argsort(grade, /*stable=*/true, /*dim=*/0, /*descending=*/false);
}

/// Stages that read the stream, by the ends of their places' names, and their norms.
std::map<std::string, std::string> norms_by_stage(const Layout& layout) {
  std::map<std::string, std::string> norms;
  for (const Stage& stage : layout.stages)
    for (const auto& [norm, readers] : layout.rotation.norm_readers)
      if (std::find(readers.begin(), readers.end(), stage.linears.front()) != readers.end())
        norms[stage.name] = norm;
  return norms;
}

/// The mean |x| of the stream's channels after the norms, without their gains; every input counts
/// the same.
Tensor stream_mass(const Model& model, const TokenWindows& text, bool quiet) {
  const std::map<std::string, std::string> norms = norms_by_stage(*model.layout);
  Tensor mass = at::zeros({model.config.hidden}, at::kDouble);
  Progress progress("masses of channels", "blocks", model.config.layers, quiet);
  const Tap tap = [&](std::string_view place, const Tensor& x) {
    const auto found = norms.find(std::string(place.substr(place.rfind('.') + 1)));
    if (found == norms.end() || x.numel() == 0)
      return;
    const std::string prefix(place.substr(0, place.rfind('.') + 1));
    const Tensor gain =
        load_weight(*model.tensors, prefix + found->second + ".weight", {model.config.hidden});
    const Tensor means = x.reshape({-1, x.size(-1)}).abs().mean(0).to(at::kDouble);
    const Tensor plain = at::where(gain == 0, at::zeros_like(means), means / gain.abs());
    mass += plain / plain.sum().clamp_min(1e-300);
  };
  run_decoder(
      model, token_rows(text.ids, text.length), [&](std::int64_t) { progress.step(); }, tap);
  return mass;
}

Tensor balanced(const Model& model, const TokenWindows& text, std::int64_t size, bool quiet) {
  return detail::balanced_order(stream_mass(model, text, quiet), size);
}

/// Reorders what has the stream's channels along a dimension.
class PermutedTensors : public TensorSource {
 public:
  PermutedTensors(const Model& model, const Tensor& order)
      : stored_(model.tensors), order_(order), outer_(model.family->names) {
    for (std::int64_t layer = 0; layer < model.config.layers; ++layer)
      add_block(model.layout->rotation, block_prefix(model, layer));
    dimensions_[outer_.embedding + ".weight"] = 1;
    dimensions_[outer_.head + ".weight"] = 1;
    dimensions_[outer_.norm + ".weight"] = dimensions_[outer_.norm + ".bias"] = 0;
  }
  bool has(const std::string& name) const override { return stored_->has(name); }
  std::vector<std::string> names() const override { return stored_->names(); }
  std::string stored_type(const std::string& name) const override {
    return stored_->stored_type(name);
  }
  Tensor load(const std::string& name) const override {
    const Tensor tensor = stored_->load(name);
    const auto found = dimensions_.find(name);
    return found == dimensions_.end() ? tensor : tensor.index_select(found->second, order_);
  }

 private:
  void add_block(const RotationSites& sites, const std::string& prefix) {
    for (const auto& [norm, readers] : sites.norm_readers) {
      dimensions_[prefix + norm + ".weight"] = dimensions_[prefix + norm + ".bias"] = 0;
      for (const std::string& reader : readers)
        dimensions_[prefix + reader + ".weight"] = 1;
    }
    for (const std::string& writer : sites.residual_writers)
      dimensions_[prefix + writer + ".weight"] = dimensions_[prefix + writer + ".bias"] = 0;
  }

  std::shared_ptr<const TensorSource> stored_;
  Tensor order_;
  OuterNames outer_;
  std::map<std::string, std::int64_t> dimensions_; // of the tensors to be reordered
};

Tensor chosen_order(const Model& model, const PermutationSpec& spec, const TokenWindows& text,
                    const std::filesystem::path& path, bool quiet) {
  if (std::filesystem::exists(path)) {
    const SafetensorsFile file(path);
    return file.load("residual").clone();
  }
  const PermutationRow& row = permutation_row(spec);
  check_permutation(spec, model.config.hidden);
  require(!row.needs_text || text.count > 0, "method",
          "permute=" + to_text(spec) + " follows from calibration text; give --calibration FILE");
  const Tensor order = row.choose(model, text, spec.size, quiet);
  write_safetensors(path, {{"residual", order}});
  return order;
}

} // namespace

const std::vector<PermutationRow>& permutations() {
  static const std::vector<PermutationRow> table = {
      {"graded", "channels by the gains of the norms: blocks of like gains", false, graded},
      {"balanced", "balanced:32 gives blocks of 32 the same mass (PeRQ), from calibration", true,
       balanced},
  };
  return table;
}

const PermutationRow& permutation_row(const PermutationSpec& spec) {
  for (const PermutationRow& row : permutations())
    if (spec.kind == row.name)
      return row;
  throw Error("method", "permute=" + spec.kind + " is unknown; known: " + names_of(permutations()));
}

PermutationSpec parse_permutation(std::string_view text) {
  const std::size_t colon = text.find(':');
  PermutationSpec spec{.kind = std::string(text.substr(0, colon))};
  const PermutationRow& row = permutation_row(spec);
  if (colon != std::string_view::npos)
    spec.size = static_cast<std::int64_t>(
        parse_number(text.substr(colon + 1), "method", "permute=" + std::string(text)));
  require(row.needs_text == (spec.size > 0), "method",
          "permute=" + std::string(text) +
              ": write graded, or balanced with a block, as in balanced:32");
  return spec;
}

std::string to_text(const PermutationSpec& spec) {
  return spec.size > 0 ? spec.kind + ":" + std::to_string(spec.size) : spec.kind;
}

void check_permutation(const PermutationSpec& spec, std::int64_t width) {
  require(spec.size == 0 || width % spec.size == 0, "method",
          "permute=" + to_text(spec) + ": blocks of " + std::to_string(spec.size) +
              " do not divide the stream's width " + std::to_string(width));
}

Model permuted(const Model& model, const Tensor& order) {
  const Tensor sorted = std::get<0>(order.sort());
  require(order.dim() == 1 && order.scalar_type() == at::kLong &&
              at::equal(sorted, at::arange(model.config.hidden, at::kLong)),
          "method", "the stored order of channels does not fit the model; quantize anew");
  Model result = model;
  result.tensors = std::make_shared<PermutedTensors>(model, order);
  return result;
}

Model permuted(const Model& model, const PermutationSpec& spec, const TokenWindows& calibration,
               const std::filesystem::path& folder, bool quiet) {
  return permuted(
      model, chosen_order(model, spec, calibration, folder / "permutation.safetensors", quiet));
}

namespace detail {

Tensor balanced_order(const Tensor& mass, std::int64_t size) {
  const std::int64_t blocks = mass.numel() / size;
  const Tensor by_mass = at::argsort(mass, /*stable=*/true, /*dim=*/0, /*descending=*/true);
  const auto of = mass.accessor<double, 1>();
  std::vector<double> sums(blocks, 0.0);
  std::vector<std::int64_t> filled(blocks, 0);
  Tensor order = at::empty({mass.numel()}, at::kLong);
  for (std::int64_t i = 0; i < mass.numel(); ++i) {
    const std::int64_t channel = by_mass[i].item<std::int64_t>();
    std::int64_t least = -1;
    for (std::int64_t b = 0; b < blocks; ++b)
      if (filled[b] < size && (least < 0 || sums[b] < sums[least]))
        least = b;
    order[least * size + filled[least]++] = channel;
    sums[least] += of[channel];
  }
  return order;
}

} // namespace detail

} // namespace latticelens
