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
};

/// One model.safetensors, or the shards that model.safetensors.index.json names. Errors: neither, a
/// shard is absent, the index names a tensor that its shard lacks.
std::shared_ptr<const TensorSource> open_safetensors_folder(const std::filesystem::path& folder);

/// load() as fp32 with the expected shape. Errors, naming the tensor: absent, another shape, not a
/// floating dtype, NaN or infinity among the values.
Tensor load_weight(const TensorSource& tensors, const std::string& name,
                   const std::vector<std::int64_t>& shape);

} // namespace latticelens
