#include "core/files.h"

#include "core/error.h"
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>
#include <vector>
#include <xxhash.h>

namespace latticelens {
namespace {

constexpr std::size_t hashed_at_once = 256 << 10; // stays in a core's cache
constexpr std::int64_t said_at_once = 64 << 20;

std::string reason() {
  return std::strerror(errno);
}

class Descriptor {
 public:
  Descriptor(const std::filesystem::path& path, int flags)
      : value_(::open(path.c_str(), flags | O_CLOEXEC, 0666)) {
    require(value_ >= 0, "file", path.string() + ": cannot be opened: " + reason());
  }
  ~Descriptor() { ::close(value_); }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int operator*() const { return value_; }

 private:
  int value_;
};

std::size_t regular_size(int descriptor, const std::filesystem::path& path) {
  struct stat status {};
  if (::fstat(descriptor, &status) != 0)
    throw Error("file", path.string() + ": " + reason());
  require(S_ISREG(status.st_mode), "file", path.string() + ": is not a regular file");
  return static_cast<std::size_t>(status.st_size);
}

/// 0 at the end.
std::size_t read_some(int descriptor, std::span<char> into, const std::filesystem::path& path) {
  for (;;) {
    const ssize_t got = ::read(descriptor, into.data(), into.size());
    if (got < 0 && errno == EINTR)
      continue;
    require(got >= 0, "file", path.string() + ": cannot be read: " + reason());
    return static_cast<std::size_t>(got);
  }
}

bool write_all(int descriptor, const char* data, std::size_t size) {
  while (size > 0) {
    const ssize_t written = ::write(descriptor, data, size);
    if (written < 0 && errno == EINTR)
      continue;
    if (written <= 0)
      return false;
    data += written;
    size -= static_cast<std::size_t>(written);
  }
  return true;
}

std::string hexadecimal(XXH128_hash_t hash) {
  char text[33];
  std::snprintf(text, sizeof text, "%016llx%016llx", static_cast<unsigned long long>(hash.high64),
                static_cast<unsigned long long>(hash.low64));
  return text;
}

} // namespace

std::string read_text(const std::filesystem::path& path, std::uintmax_t size_limit) {
  const Descriptor file(path, O_RDONLY);
  const std::size_t size = regular_size(*file, path);
  require(size <= size_limit, "file",
          path.string() + ": has " + std::to_string(size) + " bytes, more than the limit of " +
              std::to_string(size_limit));
  std::string text(size, '\0');
  std::size_t done = 0;
  while (done < size) {
    const std::size_t got = read_some(*file, std::span(text).subspan(done), path);
    require(got > 0, "file", path.string() + ": cannot be read: it shrank");
    done += got;
  }
  return text;
}

MappedFile::MappedFile(const std::filesystem::path& path) : path_(path) {
  const Descriptor file(path, O_RDONLY);
  size_ = regular_size(*file, path);
  if (size_ == 0)
    return;
  void* data = ::mmap(nullptr, size_, PROT_READ, MAP_PRIVATE, *file, 0);
  require(data != MAP_FAILED, "file", path.string() + ": cannot be mapped: " + reason());
  data_ = std::shared_ptr<const std::byte>(
      static_cast<const std::byte*>(data),
      [size = size_](const std::byte* p) { ::munmap(const_cast<std::byte*>(p), size); });
}

void MappedFile::release_pages() const {
  if (data_)
    ::madvise(const_cast<std::byte*>(data_.get()), size_, MADV_DONTNEED);
}

AtomicFile::AtomicFile(std::filesystem::path path)
    : path_(std::move(path)), temporary_(temporary_name(path_)) {
  descriptor_ = ::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (descriptor_ < 0)
    fail("created");
}

AtomicFile::~AtomicFile() {
  if (descriptor_ < 0)
    return;
  ::close(descriptor_);
  ::unlink(temporary_.c_str());
}

void AtomicFile::fail(const char* action) const {
  throw Error("file", path_.string() + ": cannot be " + action + ": " + reason() +
                          "; choose a folder with space where you may write");
}

void AtomicFile::write(std::span<const std::byte> bytes) {
  if (!write_all(descriptor_, reinterpret_cast<const char*>(bytes.data()), bytes.size()))
    fail("written");
  start_flushing(static_cast<std::int64_t>(bytes.size()));
}

/// The disk works while more is computed, so that commit waits for little.
void AtomicFile::start_flushing(std::int64_t more) {
  constexpr std::int64_t at_once = 8 << 20;
  written_ += more;
  if (written_ - flushing_ < at_once)
    return;
  // A hint only: where it is not possible, commit waits longer and says what is wrong.
  static_cast<void>(
      ::sync_file_range(descriptor_, flushing_, written_ - flushing_, SYNC_FILE_RANGE_WRITE));
  flushing_ = written_;
}

void AtomicFile::write(std::string_view text) {
  write(std::as_bytes(std::span(text.data(), text.size())));
}

void AtomicFile::commit() {
  if (::fsync(descriptor_) != 0)
    fail("written");
  const int descriptor = descriptor_;
  descriptor_ = -1;
  if (::close(descriptor) != 0 || ::rename(temporary_.c_str(), path_.c_str()) != 0) {
    const int error = errno;
    ::unlink(temporary_.c_str());
    errno = error;
    fail("written");
  }
}

void write_text(const std::filesystem::path& path, std::string_view text) {
  AtomicFile file(path);
  file.write(text);
  file.commit();
}

void append_line(const std::filesystem::path& path, std::string_view line) {
  const Descriptor file(path, O_WRONLY | O_CREAT | O_APPEND);
  const std::string text = std::string(line) + "\n";
  const bool written = write_all(*file, text.data(), text.size()) &&
                       (::fsync(*file) == 0 || errno == EINVAL); // EINVAL: a pipe
  require(written, "file", path.string() + ": cannot be written: " + reason());
}

void make_directory(const std::filesystem::path& path) {
  std::error_code error;
  std::filesystem::create_directories(path, error);
  require(!error, "file", path.string() + ": cannot be created: " + error.message());
}

std::string file_hash(const std::filesystem::path& path,
                      const std::function<void(std::int64_t)>& progress) {
  const Descriptor file(path, O_RDONLY);
  regular_size(*file, path);
  const std::unique_ptr<XXH3_state_t, decltype(&XXH3_freeState)> state(XXH3_createState(),
                                                                       &XXH3_freeState);
  XXH3_128bits_reset(state.get());
  // Read, not mapped: pages of a mapping would count as the process's memory.
  std::vector<char> part(hashed_at_once);
  std::int64_t unsaid = 0;
  while (const std::size_t got = read_some(*file, part, path)) {
    XXH3_128bits_update(state.get(), part.data(), got);
    unsaid += static_cast<std::int64_t>(got);
    if (progress && unsaid >= said_at_once)
      progress(std::exchange(unsaid, 0));
  }
  if (progress)
    progress(unsaid);
  return hexadecimal(XXH3_128bits_digest(state.get()));
}

std::string text_hash(std::string_view text) {
  return hexadecimal(XXH3_128bits(text.data(), text.size()));
}

} // namespace latticelens
