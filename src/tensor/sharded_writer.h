// Hugging Face folders of several safetensors files, written tensor after tensor.
#pragma once
#include "tensor/safetensors.h"
#include <optional>

namespace latticelens {

inline constexpr std::int64_t default_shard_size = 5'000'000'000; // as in transformers

/// The files that a plan is cut into, in its order: each as full as `shard_size` bytes of tensors
/// allow, a tensor that is larger alone in its own. Error: a shard_size that is not positive.
std::vector<std::vector<TensorLayout>> cut_into_shards(const std::vector<TensorLayout>& plan,
                                                       std::int64_t shard_size);

/// Writes model-00001-of-0000N.safetensors ... and model.safetensors.index.json into a folder, or
/// model.safetensors alone when one file is enough. Every file has a temporary name until it is
/// whole; memory holds what is being written.
class ShardedWriter {
 public:
  /// `plan` is the order in which `add` will be called. Errors: those of SafetensorsWriter; a name
  /// twice; a shard_size that is not positive.
  ShardedWriter(std::filesystem::path folder, const std::vector<TensorLayout>& plan,
                std::int64_t shard_size);

  /// The next tensor, or the next of its rows. Errors: those of SafetensorsWriter::add.
  void add(const std::string& name, const Tensor& rows);
  /// Finishes the last file and writes the index. Error: something is missing.
  void commit();

 private:
  std::string file_name(std::size_t shard) const;
  bool begin_next();
  void write_index() const;
  std::filesystem::path folder_;
  std::vector<std::vector<TensorLayout>> shards_;
  std::size_t begun_ = 0; // shards
  std::optional<SafetensorsWriter> file_;
};

} // namespace latticelens
