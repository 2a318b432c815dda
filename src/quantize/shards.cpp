#include "quantize/shards.h"

#include "core/error.h"
#include "core/json.h"
#include "tensor/safetensors.h"
#include <ATen/ATen.h>

namespace latticelens {

Storage parse_storage(const std::string& text) {
  if (text == "bf16")
    return Storage::bf16;
  if (text == "fp32")
    return Storage::fp32;
  throw Error("dtype", "\"" + text + "\" is unknown; known: bf16, fp32");
}

const char* to_text(Storage storage) {
  return storage == Storage::bf16 ? "bf16" : "fp32";
}

at::ScalarType scalar_type(Storage storage) {
  return storage == Storage::bf16 ? at::kBFloat16 : at::kFloat;
}

namespace {

void add_pair(NamedTensors& tensors, const std::string& name, const Tensor& weight,
              const Tensor& bias) {
  tensors.emplace_back(name + ".weight", weight);
  if (bias.defined())
    tensors.emplace_back(name + ".bias", bias);
}

} // namespace

void add_norm(NamedTensors& tensors, const std::string& name, const Norm& norm) {
  add_pair(tensors, name, norm.gain, norm.bias);
}

void add_linear(NamedTensors& tensors, const std::string& name, const Linear& linear) {
  add_pair(tensors, name, linear.weight, linear.bias);
}

NamedTensors outer_tensors(const OuterWeights& outer, const OuterNames& names) {
  NamedTensors tensors = {{names.embedding + ".weight", outer.embedding}};
  add_norm(tensors, names.norm, outer.norm);
  if (outer.head.weight.defined())
    add_linear(tensors, names.head, outer.head);
  return tensors;
}

Tensor stored_exactly(const Tensor& x, Storage storage, const std::string& name) {
  const Tensor stored = x.to(scalar_type(storage));
  require(at::equal(stored.to(at::kFloat), x.to(at::kFloat)), "convert",
          name + ": " + to_text(storage) + " does not hold its values; give --dtype fp32");
  return stored;
}

Tensor stored_value(const Tensor& x, Storage storage) {
  return x.to(scalar_type(storage)).to(at::kFloat);
}

std::filesystem::path ShardFolder::path(std::int64_t shard) const {
  char name[64];
  std::snprintf(name, sizeof name, "model-%05lld-of-%05lld.safetensors",
                static_cast<long long>(shard + 1), static_cast<long long>(shards_));
  return folder_ / name;
}

bool ShardFolder::has(std::int64_t shard) const {
  return std::filesystem::exists(path(shard));
}

NamedTensors ShardFolder::in_storage(NamedTensors tensors) const {
  for (auto& [name, tensor] : tensors)
    tensor = tensor.to(scalar_type(storage_));
  return tensors;
}

void ShardFolder::write(std::int64_t shard, const NamedTensors& tensors) const {
  write_safetensors(path(shard), tensors);
}

void ShardFolder::write_index() const {
  Json map = Json::object();
  std::int64_t bytes = 0;
  for (std::int64_t shard = 0; shard < shards_; ++shard) {
    const SafetensorsFile file(path(shard));
    for (const auto& [name, entry] : file.entries()) {
      map[name] = path(shard).filename().string();
      bytes += static_cast<std::int64_t>(entry.bytes.size());
    }
  }
  const Json index = {{"metadata", {{"total_size", bytes}}}, {"weight_map", map}};
  write_text(folder_ / "model.safetensors.index.json", index.dump(2) + "\n");
}

} // namespace latticelens
