// GGUF files (versions 2 and 3, little endian): typed metadata and quantized tensors, mapped and
// decoded on demand.
#pragma once
#include "core/files.h"
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace at {
class Tensor;
}

namespace latticelens {

/// A metadata value; arrays hold one type. Integers of every width are widened to int64 (uint64
/// above its range is an error).
using GgufValue = std::variant<std::int64_t, double, bool, std::string, std::vector<std::int64_t>,
                               std::vector<double>, std::vector<bool>, std::vector<std::string>>;

/// What is written, in the file's order.
using GgufMetadata = std::vector<std::pair<std::string, GgufValue>>;

struct GgufTensor {
  std::string name;
  std::uint32_t type = 0;           // ggml type number
  std::vector<std::int64_t> shape;  // row-major: [out, in], the reverse of the file's order
  std::span<const std::byte> bytes; // empty when the type is unsupported (its size is unknown)
};

struct BlockType;

/// Whole rows of blocks as fp32 of this shape.
at::Tensor decode_blocks(const BlockType& type, std::span<const std::byte> blocks,
                         const std::vector<std::int64_t>& shape);

class GgufFile {
 public:
  /// Errors: truncated, wrong magic or version, big endian, counts or offsets past the end, shapes
  /// that overflow or whose rows are no whole blocks, overlapping tensors, a name twice, lists of
  /// lists. Tensors of unsupported types are listed; only loading them is an error.
  explicit GgufFile(const std::filesystem::path& path);

  const std::filesystem::path& path() const { return file_.path(); }
  const std::map<std::string, GgufValue>& metadata() const { return metadata_; }
  const std::map<std::string, GgufTensor>& tensors() const { return tensors_; }
  bool has(const std::string& key) const { return metadata_.contains(key); }

  /// Metadata by type; an Error names the file and key when absent or of another type. `number`
  /// accepts integers too.
  std::int64_t integer(const std::string& key) const;
  double number(const std::string& key) const;
  bool boolean(const std::string& key) const;
  const std::string& text(const std::string& key) const;
  const std::vector<std::string>& texts(const std::string& key) const;
  std::vector<double> numbers(const std::string& key) const;
  std::vector<std::int64_t> integers(const std::string& key) const;

  /// The tensor decoded to fp32, its shape as in `GgufTensor`; NVFP4 with the scale that lies
  /// beside it. Errors: absent, unsupported type, a scale that is not one positive number.
  at::Tensor load(const std::string& name) const;
  /// What an NVFP4 weight's block scales are divided by: 1 / NAME.scale; none when there is no such
  /// tensor. Errors: as load.
  std::optional<float> second_scale(const std::string& name) const;
  /// As MappedFile's.
  void release_pages() const { file_.release_pages(); }

 private:
  MappedFile file_;
  std::map<std::string, GgufValue> metadata_;
  std::map<std::string, GgufTensor> tensors_;
};

} // namespace latticelens
