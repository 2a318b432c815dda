// Reading whole files, mapping large ones, and writing so that a killed run leaves the old state or
// the new.
#pragma once
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace latticelens {

/// The file's bytes. Errors: absent, a directory, larger than `size_limit`, read fails.
std::string read_text(const std::filesystem::path& path, std::uintmax_t size_limit = 4ull << 30);

/// A file mapped read-only. Copies share the mapping; the last one unmaps it.
class MappedFile {
 public:
  explicit MappedFile(const std::filesystem::path& path);
  std::span<const std::byte> bytes() const { return {data_.get(), size_}; }
  const std::filesystem::path& path() const { return path_; }
  /// Keeps the mapping alive: for tensors that view it.
  std::shared_ptr<const std::byte> owner() const { return data_; }
  /// Takes the pages read so far out of the process's memory; they are read again when needed.
  void release_pages() const;

 private:
  std::filesystem::path path_;
  std::shared_ptr<const std::byte> data_;
  std::size_t size_ = 0;
};

/// Writes to a temporary file beside `path`; `commit` flushes it to the disk and renames it onto
/// `path`. Destroyed without commit, it removes the temporary file.
class AtomicFile {
 public:
  /// The file that it writes first; a killed process leaves it behind.
  static std::filesystem::path temporary_name(const std::filesystem::path& path) {
    return path.string() + ".partial";
  }
  explicit AtomicFile(std::filesystem::path path);
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;
  void write(std::span<const std::byte> bytes);
  void write(std::string_view text);
  void commit();

 private:
  [[noreturn]] void fail(const char* action) const;
  void start_flushing(std::int64_t more);
  std::filesystem::path path_, temporary_;
  int descriptor_ = -1;
  std::int64_t written_ = 0, flushing_ = 0; // bytes given, and those on their way to the disk
};

/// AtomicFile for one text.
void write_text(const std::filesystem::path& path, std::string_view text);

/// Appends one line and flushes it to the disk (a log that survives kill -9).
void append_line(const std::filesystem::path& path, std::string_view line);

/// create_directories with an Error that says why it failed.
void make_directory(const std::filesystem::path& path);

/// XXH3-128 of a file's bytes, 32 hexadecimal digits. progress: called with bytes just read.
std::string file_hash(const std::filesystem::path& path,
                      const std::function<void(std::int64_t)>& progress = {});

/// XXH3-128 of a text, 32 hexadecimal digits.
std::string text_hash(std::string_view text);

} // namespace latticelens
