// Writing GGUF files (version 3, little endian) through a temporary name, one tensor after the
// other.
#pragma once
#include "core/files.h"
#include "tensor/gguf.h"

namespace at {
class Tensor;
}

namespace latticelens {

struct BlockType;

/// A tensor that will be written.
struct PlannedTensor {
  std::string name;
  const BlockType* type;
  std::vector<std::int64_t> shape; // row-major: [out, in]
};

class GgufWriter {
 public:
  /// Writes the header. Integers are stored as u32 (i32 in lists), numbers as f32. Errors: an
  /// integer outside u32, rows that are no whole blocks.
  GgufWriter(const std::filesystem::path& path, const GgufMetadata& metadata,
             std::vector<PlannedTensor> tensors);

  /// The next tensor's bytes, as encode_blocks gives them, or the next of them. Errors: not the
  /// tensor that comes next, more bytes than planned.
  void write(const std::string& name, std::span<const std::byte> bytes);
  /// Renames the file into place. Error: something is missing.
  void commit();

 private:
  AtomicFile file_;
  std::vector<PlannedTensor> tensors_;
  std::size_t next_ = 0;    // in tensors_
  std::size_t written_ = 0; // bytes of it
};

/// x [..., n] as blocks of the type, row by row, on all threads. weights: how much each value
/// counts when a scale is searched: as x, or [n] for all rows, or undefined. Errors: rows that are
/// no whole blocks, a type that is only read, what fp16 cannot hold.
std::vector<std::byte> encode_blocks(const BlockType& type, const at::Tensor& x,
                                     const at::Tensor& weights);

} // namespace latticelens
