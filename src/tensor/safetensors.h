// safetensors files: read mapped, written through a temporary name.
// https://huggingface.co/docs/safetensors (format).
#pragma once
#include "core/files.h"
#include "tensor/tensor.h"
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace latticelens {

struct SafetensorsEntry {
  std::string dtype;               // the file's word: "F32", "BF16", "U8" ...
  std::vector<std::int64_t> shape; // row-major
  std::span<const std::byte> bytes;
};

class SafetensorsFile {
 public:
  /// Errors: truncated, header too large or not JSON, unknown dtype, sizes that overflow or do not
  /// match the shape, offsets past the end, overlaps and holes, a name twice.
  explicit SafetensorsFile(const std::filesystem::path& path);

  const std::filesystem::path& path() const { return file_.path(); }
  const std::map<std::string, SafetensorsEntry>& entries() const { return entries_; }
  const std::map<std::string, std::string>& metadata() const { return metadata_; }
  bool has(const std::string& name) const { return entries_.contains(name); }

  /// The tensor in its stored dtype, viewing the mapping (which it keeps alive; never write to it).
  /// Error when absent.
  Tensor load(const std::string& name) const;

 private:
  MappedFile file_;
  std::map<std::string, SafetensorsEntry> entries_;
  std::map<std::string, std::string> metadata_;
};

/// Writes the tensors in the order given, CPU, any strides; the same input gives the same bytes.
void write_safetensors(const std::filesystem::path& path,
                       const std::vector<std::pair<std::string, Tensor>>& tensors,
                       const std::map<std::string, std::string>& metadata = {{"format", "pt"}});

} // namespace latticelens
