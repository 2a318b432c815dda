#include "quantize/plain_tensors.h"

#include "core/error.h"
#include "quantize/input_bases.h"
#include <ATen/ATen.h>
#include <algorithm>

namespace latticelens {
namespace {

constexpr std::int64_t values_at_once = 1 << 22;
// Giving pages back walks through all of a mapping, so it is done seldom.
constexpr std::int64_t values_between_releases = 1 << 24;

using Restore = std::function<Tensor(const Tensor& weight)>;

/// By linear, for those whose weights are not in the model's own basis.
std::map<std::string, Restore> restorations(const OpenedModel& opened, std::int64_t layer) {
  const Layout& layout = *opened.model.layout;
  std::map<std::string, Restore> by_linear;
  if (opened.activations.down_input)
    for (const OnlineInput& input : layout.rotation.down)
      by_linear[input.reader] = [rotation = opened.activations.down_input](const Tensor& weight) {
        return rotation->invert(weight);
      };
  const auto bases =
      load_input_bases(opened.model, opened.settings, layer, tensors_of(*opened.model.tensors));
  for (const Stage& stage : layout.stages)
    if (const auto found = bases.find(stage.name); found != bases.end() && found->second.transform)
      for (const std::string& name : stage.linears)
        by_linear[name] = [before = by_linear[name],
                           transform = found->second.transform](const Tensor& weight) {
          return transform->restore_weight(before ? before(weight) : weight);
        };
  return by_linear;
}

/// NAME.weight and, where the model has one or must have one, NAME.bias.
void add_pair(std::vector<PlainTensor>& all, const OpenedModel& opened, const std::string& name,
              std::vector<std::int64_t> shape, bool biased, Restore restore = {}) {
  const std::int64_t out = shape.front();
  all.push_back({name + ".weight", std::move(shape), name + ".weight", std::move(restore)});
  if (biased || opened.model.tensors->has(name + ".bias"))
    all.push_back({name + ".bias", {out}, name + ".bias"});
}

} // namespace

std::vector<PlainTensor> plain_outer_tensors(const OpenedModel& opened) {
  const Model& model = opened.model;
  const Config& config = model.config;
  const OuterNames& names = model.family->names;
  const std::vector<std::int64_t> shape = {config.vocabulary, config.hidden};
  std::vector<PlainTensor> all;
  all.push_back({names.embedding + ".weight", shape, stored_embedding(model)});
  add_pair(all, opened, names.norm, {config.hidden}, false);
  if (!config.tied)
    add_pair(all, opened, names.head, shape, false);
  return all;
}

std::vector<PlainTensor> plain_block_tensors(const OpenedModel& opened, std::int64_t layer) {
  const Model& model = opened.model;
  const std::string prefix = block_prefix(model, layer);
  const std::map<std::string, Restore> restored = restorations(opened, layer);
  std::map<std::string, LinearShape> linears;
  for (const LinearShape& linear : model.layout->linears)
    linears.emplace(linear.name, linear);
  std::map<std::string, NormShape> norms;
  for (const NormShape& norm : model.layout->norms)
    norms.emplace(norm.name, norm);
  std::vector<PlainTensor> all;
  for (const auto& [name, linear] : linears) {
    const auto found = restored.find(name);
    add_pair(all, opened, prefix + name, {linear.out, linear.in}, linear.biased,
             found == restored.end() ? Restore() : found->second);
  }
  for (const auto& [name, norm] : norms)
    add_pair(all, opened, prefix + name, {norm.width}, false);
  if (const std::string& sinks = model.layout->sinks; !sinks.empty())
    all.push_back({prefix + sinks, {model.config.heads}, prefix + sinks});
  return all;
}

std::vector<PlainTensor> joined_block_tensors(const OpenedModel& opened, std::int64_t layer) {
  std::vector<PlainTensor> all = plain_block_tensors(opened, layer);
  const Model& model = opened.model;
  if (!model.family->joined)
    return all;
  const std::string prefix = block_prefix(model, layer);
  for (const JoinedTensor& joined : model.family->joined(model.config)) {
    std::vector<PlainTensor> parts;
    for (const std::string& name : joined.parts) {
      const auto found = std::find_if(all.begin(), all.end(), [&](const PlainTensor& tensor) {
        return tensor.name == prefix + name;
      });
      require(found != all.end(), "model", prefix + name + ": is missing; incomplete download?");
      parts.push_back(*found);
      all.erase(found);
    }
    all.push_back(
        {prefix + joined.name, joined.shape, "", {}, [&opened, parts, join = joined.join] {
           std::vector<Tensor> loaded;
           for (const PlainTensor& part : parts)
             loaded.push_back(load_plain(opened, part));
           return join(loaded);
         }});
  }
  return all;
}

Tensor load_plain(const OpenedModel& opened, const PlainTensor& tensor) {
  if (tensor.join)
    return tensor.join();
  const Tensor stored = load_stored(*opened.model.tensors, tensor.stored, tensor.shape);
  return tensor.restore ? tensor.restore(stored.to(at::kFloat)) : stored;
}

void for_each_part(const OpenedModel& opened, const Tensor& tensor, const std::string& name,
                   const std::function<void(const Tensor& rows)>& visit) {
  const std::int64_t rows = tensor.size(0),
                     width = std::max<std::int64_t>(
                         tensor.numel() / std::max<std::int64_t>(rows, 1), 1),
                     step = std::max<std::int64_t>(values_at_once / width, 1);
  std::int64_t unreleased = 0;
  for (std::int64_t first = 0; first < rows; first += step) {
    const Tensor part = tensor.slice(0, first, std::min(first + step, rows));
    require_finite(part, name);
    visit(part);
    unreleased += part.numel();
    if (unreleased >= values_between_releases ||
        (first + step >= rows && unreleased >= values_at_once)) {
      opened.model.tensors->release_pages();
      unreleased = 0;
    }
  }
}

} // namespace latticelens
