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
  /// As MappedFile's: loaded tensors stay valid.
  void release_pages() const { file_.release_pages(); }

 private:
  MappedFile file_;
  std::map<std::string, SafetensorsEntry> entries_;
  std::map<std::string, std::string> metadata_;
};

using NamedTensors = std::vector<std::pair<std::string, Tensor>>;

/// A tensor that will be written.
struct TensorLayout {
  std::string name;
  at::ScalarType type;
  std::vector<std::int64_t> shape; // row-major
};

/// What it takes in a file. Errors: a dtype that the format lacks, a size that overflows.
std::int64_t bytes_of(const TensorLayout& layout);

/// One file, tensor after tensor, through a temporary name: memory holds what is being written. The
/// same input gives the same bytes.
class SafetensorsWriter {
 public:
  /// Writes the header. Errors: a name twice, a dtype that the format lacks, a name that is not
  /// UTF-8, a header too large.
  SafetensorsWriter(const std::filesystem::path& path, std::vector<TensorLayout> plan,
                    const std::map<std::string, std::string>& metadata = {{"format", "pt"}});

  /// The next tensor in the plan, or the next of its rows; CPU, any strides. Errors: not the one
  /// that comes next, another dtype or width of rows than planned, more rows than planned.
  void add(const std::string& name, const Tensor& rows);
  /// Whether everything in the plan was added; tensors without values need not be.
  bool complete();
  /// Renames the file into place. Error: something is missing.
  void commit();

 private:
  [[noreturn]] void fail(const std::string& name, const std::string& reason) const;
  std::filesystem::path path_;
  AtomicFile file_;
  std::vector<TensorLayout> plan_;
  std::size_t next_ = 0;     // in the plan
  std::int64_t written_ = 0; // bytes of it
};

/// Writes the tensors in the order given, CPU, any strides; the same input gives the same bytes.
void write_safetensors(const std::filesystem::path& path, const NamedTensors& tensors,
                       const std::map<std::string, std::string>& metadata = {{"format", "pt"}});

} // namespace latticelens
