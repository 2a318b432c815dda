#include "quantize/walks.h"

#include "quantize/packed_model.h"
#include "tensor/safetensors.h"
#include "tensor/token_rows.h"
#include <ATen/ATen.h>

namespace latticelens {
namespace {

/// What calibration sees.
ActivationSpec calibrated_activations(const Method& method, const Rotations& rotations) {
  if (method.moments == MomentsPath::original)
    return {.down_input = rotations.down_input};
  return activations_of(method, rotations);
}

/// The transforms alone.
ActivationSpec unquantized(const ActivationSpec& activations) {
  return {.down_input = activations.down_input};
}

Norm stored_norm(const Norm& norm, Storage storage) {
  Norm stored = norm;
  stored.gain = stored_value(norm.gain, storage);
  if (norm.bias.defined())
    stored.bias = stored_value(norm.bias, storage);
  return stored;
}

} // namespace

Block folded_block(const QuantizeRequest& request, const Rotations& rotations, std::int64_t layer,
                   const ActivationSpec& activations) {
  Block block = load_block(request.model, layer);
  fold_block(block, rotations, request.model);
  if (request.learned_weights)
    request.learned_weights->install(block, *request.model.layout);
  for (auto& [name, norm] : block.norms)
    norm = stored_norm(norm, request.storage);
  if (block.sinks.defined())
    block.sinks = stored_value(block.sinks, request.storage);
  for (auto& [name, linear] : block.linears) {
    if (linear.bias.defined())
      linear.bias = stored_value(linear.bias, request.storage);
    if (!in_a_stage(*request.model.layout, name))
      linear.weight = stored_value(linear.weight, request.storage);
  }
  install_activations(block, *request.model.layout, activations);
  return block;
}

Walks::Walks(const QuantizeRequest& request, const Rotations& rotations)
    : request_(request), rotations_(rotations),
      importance_(request.importance, rotations, request.model),
      activations_(calibrated_activations(request.method, rotations)), quantized_{start_stream(),
                                                                                  {}} {
  if (request.method.target != Target::quantized)
    original_.emplace(Walk{start_stream(), {}});
}

CalibrationStream Walks::start_stream() const {
  const std::vector<Tensor> windows =
      token_rows(request_.calibration.ids, request_.calibration.length);
  if (windows.empty())
    return {request_.model, {}, {}, request_.calibration_storage};
  const OuterWeights outer = fold_outer(request_.model, rotations_);
  return {request_.model, stored_value(outer.embedding, request_.storage), windows,
          request_.calibration_storage};
}

void Walks::load(std::int64_t layer) {
  quantized_.block = folded_block(request_, rotations_, layer, activations_);
  if (original_)
    original_->block = folded_block(request_, rotations_, layer, unquantized(activations_));
}

StageMoments Walks::collect(std::size_t stage) const {
  return collect_moments(quantized_, stage, original_ ? &*original_ : nullptr,
                         request_.method.target == Target::original_with_drift,
                         request_.importance.get());
}

void Walks::advance(std::size_t stage, TimeTable& times) {
  if (empty())
    return;
  times.measure("forward", [&] { quantized_.stream.advance(quantized_.block, stage); });
  if (original_)
    times.measure("forward of the original",
                  [&] { original_->stream.advance(original_->block, stage); });
}

void Walks::set_input_basis(const Stage& stage, const InputBasis& basis) {
  const Layout& layout = *request_.model.layout;
  apply_input_basis(quantized_.block, stage, layout, basis, activations_);
  if (original_)
    apply_input_basis(original_->block, stage, layout, basis, unquantized(activations_));
}

InputBasis Walks::choose_input_basis(std::size_t stage) {
  const InputBasis basis = latticelens::choose_input_basis(quantized_, stage, request_.method,
                                                           activations_, importance_);
  if (basis.any())
    set_input_basis(request_.model.layout->stages[stage], basis);
  return basis;
}

void Walks::load_input_bases(const SafetensorsFile& shard) {
  const auto bases = latticelens::load_input_bases(request_.model, request_.method, block().layer,
                                                   tensors_of(shard));
  for (const Stage& stage : request_.model.layout->stages)
    if (const auto found = bases.find(stage.name); found != bases.end())
      set_input_basis(stage, found->second);
}

void Walks::load_finished(std::int64_t layer, const ShardFolder& shards) {
  const SafetensorsFile file(shards.path(layer));
  load(layer);
  load_input_bases(file);
  load_weights(file);
}

void Walks::load_weights(const SafetensorsFile& shard) {
  for (auto& [name, linear] : block().linears) {
    if (!in_a_stage(*request_.model.layout, name))
      continue;
    const std::string full = block_prefix(request_.model, block().layer) + name + ".weight";
    linear.weight = load_packed(tensors_of(shard), full, request_.method).values;
  }
}

void Walks::repeat(std::int64_t layer, const ShardFolder& shards) {
  if (empty())
    return;
  load_finished(layer, shards);
  quantized_.stream.run(quantized_.block);
  if (original_)
    original_->stream.run(original_->block);
}

} // namespace latticelens
