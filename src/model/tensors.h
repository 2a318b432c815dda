// A model's tensors by their Hugging Face names, whatever file they lie in; mapped, read one at a
// time.
#pragma once
#include "tensor/tensor.h"
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

namespace latticelens {

class TensorSource {
 public:
  virtual ~TensorSource() = default;
  virtual bool has(const std::string& name) const = 0;
  /// In the stored dtype (quantized types as fp32). Error when absent.
  virtual Tensor load(const std::string& name) const = 0;
  virtual std::vector<std::string> names() const = 0;
  /// The file's word for what a tensor is stored as: "BF16", "Q4_0". Error when absent.
  virtual std::string stored_type(const std::string& name) const = 0;
  /// Takes what was read of mapped files out of the process's memory; loaded tensors stay valid.
  virtual void release_pages() const {}
};

/// One model.safetensors, or the shards that model.safetensors.index.json names. Errors: neither, a
/// shard is absent, the index names a tensor that its shard lacks.
std::shared_ptr<const TensorSource> open_safetensors_folder(const std::filesystem::path& folder);

/// load() in its stored dtype, not yet read. Errors, naming the tensor: absent, another shape than
/// expected, not a floating dtype.
Tensor load_stored(const TensorSource& tensors, const std::string& name,
                   const std::vector<std::int64_t>& shape);

/// Error, naming the tensor: NaN or infinity among the values.
void require_finite(const Tensor& x, const std::string& name);

/// load_stored as fp32, all of it finite.
Tensor load_weight(const TensorSource& tensors, const std::string& name,
                   const std::vector<std::int64_t>& shape);

} // namespace latticelens
