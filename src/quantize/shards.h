// The quantized model on disk: one safetensors shard a block, one for the matrices outside, and the
// index.
#pragma once
#include "model/model.h"
#include "quantize/rotations.h"
#include "tensor/safetensors.h"
#include <filesystem>

namespace latticelens {

/// How tensors that are not quantized are stored.
enum class Storage { bf16, fp32 };
Storage parse_storage(const std::string& text);
const char* to_text(Storage storage);
at::ScalarType scalar_type(Storage storage);

/// Under the name of the norm: its gain and, where it has one, its bias; a linear likewise.
void add_norm(NamedTensors& tensors, const std::string& name, const Norm& norm);
void add_linear(NamedTensors& tensors, const std::string& name, const Linear& linear);
/// The matrices outside the blocks, under the family's names.
NamedTensors outer_tensors(const OuterWeights& outer, const OuterNames& names);

/// In the storage dtype. Error, saying `name`: it does not hold the values.
Tensor stored_exactly(const Tensor& x, Storage storage, const std::string& name);

/// Rounded to the storage dtype and back to fp32: what a reader of the shard will see.
Tensor stored_value(const Tensor& x, Storage storage);

class ShardFolder {
 public:
  ShardFolder(std::filesystem::path folder, std::int64_t shards, Storage storage)
      : folder_(std::move(folder)), shards_(shards), storage_(storage) {}
  std::filesystem::path path(std::int64_t shard) const;
  bool has(std::int64_t shard) const;
  /// What is not quantized, in the folder's dtype.
  NamedTensors in_storage(NamedTensors tensors) const;
  void write(std::int64_t shard, const NamedTensors& tensors) const;
  /// model.safetensors.index.json from the shards' own headers.
  void write_index() const;

 private:
  std::filesystem::path folder_;
  std::int64_t shards_;
  Storage storage_;
};

} // namespace latticelens
