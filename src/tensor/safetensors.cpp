#include "tensor/safetensors.h"

#include "core/error.h"
#include "core/json.h"
#include <ATen/ATen.h>
#include <bit>
#include <cstring>
#include <limits>
#include <optional>
#include <set>

namespace latticelens {
namespace {

static_assert(std::endian::native == std::endian::little, "the files are little endian");

constexpr std::size_t header_limit = 100'000'000; // the format's own limit
constexpr std::size_t dimension_limit = 64;       // LibTorch's own limit
const std::string metadata_key = "__metadata__";

struct Dtype {
  const char* word;
  at::ScalarType type;
  std::int64_t size; // bytes per element
};

constexpr Dtype dtypes[] = {{"F64", at::kDouble, 8},
                            {"F32", at::kFloat, 4},
                            {"F16", at::kHalf, 2},
                            {"BF16", at::kBFloat16, 2},
                            {"I64", at::kLong, 8},
                            {"I32", at::kInt, 4},
                            {"I16", at::kShort, 2},
                            {"I8", at::kChar, 1},
                            {"U8", at::kByte, 1},
                            {"BOOL", at::kBool, 1},
                            {"F8_E4M3", at::kFloat8_e4m3fn, 1},
                            {"F8_E5M2", at::kFloat8_e5m2, 1}};

const Dtype* find_dtype(const std::string& word) {
  const auto* found = std::ranges::find_if(dtypes, [&](const Dtype& d) { return d.word == word; });
  return found == std::end(dtypes) ? nullptr : found;
}

std::string known_dtypes() {
  std::string words;
  for (const Dtype& dtype : dtypes)
    words += (words.empty() ? "" : ", ") + std::string(dtype.word);
  return words;
}

/// Bytes of a tensor, or nothing when its element count overflows. An empty dimension counts as one
/// in the check: LibTorch multiplies the others for its strides.
std::optional<std::int64_t> byte_count(const std::vector<std::int64_t>& shape, std::int64_t size) {
  std::int64_t product = size;
  for (const std::int64_t length : shape)
    if (__builtin_mul_overflow(product, std::max<std::int64_t>(length, 1), &product))
      return std::nullopt;
  return std::ranges::count(shape, 0) > 0 ? 0 : product;
}

class HeaderReader {
 public:
  explicit HeaderReader(const MappedFile& file) : bytes_(file.bytes()), path_(file.path()) {}

  Json header() {
    check(bytes_.size() >= 8, "has " + std::to_string(bytes_.size()) +
                                  " bytes, fewer than the 8 of the header's length");
    std::uint64_t length = 0;
    std::memcpy(&length, bytes_.data(), sizeof length);
    check(length <= header_limit, "says its header has " + std::to_string(length) +
                                      " bytes, more than the limit of " +
                                      std::to_string(header_limit));
    check(length <= bytes_.size() - 8,
          "says its header has " + std::to_string(length) + " bytes, but the file ends before");
    const std::string_view text(reinterpret_cast<const char*>(bytes_.data()) + 8, length);
    check(text.starts_with('{'), "does not begin with a JSON header");
    data_ = bytes_.subspan(8 + length);
    return parse_json(text, path_.string());
  }

  SafetensorsEntry entry(const std::string& name, const Json& json) const {
    const std::string where = path_.string() + ": tensor \"" + name + '"';
    SafetensorsEntry entry;
    entry.dtype = member<std::string>(json, "dtype", where);
    entry.shape = integers(json, "shape", name);
    const Dtype* dtype = find_dtype(entry.dtype);
    check(dtype, name, "dtype \"" + entry.dtype + "\" is not one of " + known_dtypes());
    check(entry.shape.size() <= dimension_limit, name, "has more than 64 dimensions");
    const auto size = byte_count(entry.shape, dtype->size);
    check(size.has_value(), name, "its shape overflows");
    const std::vector<std::int64_t> offsets = integers(json, "data_offsets", name);
    check(offsets.size() == 2, name, "data_offsets should be two numbers");
    const auto [begin, end] = std::pair(offsets[0], offsets[1]);
    check(begin <= end, name, "its data ends before it begins");
    check(static_cast<std::uint64_t>(end) <= data_.size(), name,
          "its data ends at byte " + std::to_string(end) + ", but the file has only " +
              std::to_string(data_.size()) + " bytes of data");
    check(end - begin == *size, name,
          "has " + std::to_string(end - begin) + " bytes, but its shape and dtype need " +
              std::to_string(*size));
    entry.bytes = data_.subspan(static_cast<std::size_t>(begin), static_cast<std::size_t>(*size));
    return entry;
  }

  std::map<std::string, std::string> metadata(const Json& json) const {
    check(json.is_object(), metadata_key + " is not an object");
    std::map<std::string, std::string> result;
    for (const auto& [key, value] : json.items()) {
      check(value.is_string(), metadata_key + ": the value of \"" + key + "\" is not a string");
      result[key] = value.get<std::string>();
    }
    return result;
  }

  /// The format has no overlaps, no holes and nothing after the last tensor.
  void check_layout(const std::map<std::string, SafetensorsEntry>& entries) const {
    using Place = std::tuple<std::size_t, std::size_t, std::string_view>;
    std::vector<Place> places;
    for (const auto& [name, entry] : entries) {
      const auto begin = static_cast<std::size_t>(entry.bytes.data() - data_.data());
      places.emplace_back(begin, begin + entry.bytes.size(), name);
    }
    std::ranges::sort(places);
    std::size_t position = 0;
    for (const auto& [begin, end, name] : places) {
      check(begin >= position, std::string(name), "overlaps the tensor before it");
      check(begin == position, std::string(name), "there is a hole before its data");
      position = end;
    }
    check(position == data_.size(),
          "has " + std::to_string(data_.size() - position) + " bytes after the last tensor");
  }

 private:
  void check(bool condition, const std::string& reason) const {
    if (!condition)
      throw Error("safetensors", path_.string() + ": " + reason + "; incomplete download?");
  }
  void check(bool condition, const std::string& name, const std::string& reason) const {
    if (!condition)
      throw Error("safetensors", path_.string() + ": tensor \"" + name + "\": " + reason +
                                     "; write the file again with a safetensors library");
  }
  std::vector<std::int64_t> integers(const Json& json, const char* key,
                                     const std::string& name) const {
    const Json list = member<Json>(json, key, path_.string() + ": tensor \"" + name + '"');
    check(list.is_array(), name, std::string(key) + " is not a list");
    std::vector<std::int64_t> result;
    for (const Json& value : list) {
      const bool fits = value.is_number_unsigned() &&
                        value.get<std::uint64_t>() <= std::numeric_limits<std::int64_t>::max();
      check(fits, name, std::string(key) + " holds something else than sizes");
      result.push_back(value.get<std::int64_t>());
    }
    return result;
  }

  std::span<const std::byte> bytes_, data_;
  const std::filesystem::path& path_;
};

} // namespace

SafetensorsFile::SafetensorsFile(const std::filesystem::path& path) : file_(path) {
  HeaderReader reader(file_);
  const Json header = reader.header();
  for (const auto& [name, json] : header.items()) {
    if (name == metadata_key)
      metadata_ = reader.metadata(json);
    else
      entries_.emplace(name, reader.entry(name, json));
  }
  reader.check_layout(entries_);
}

Tensor SafetensorsFile::load(const std::string& name) const {
  const auto found = entries_.find(name);
  require(found != entries_.end(), "safetensors",
          path().string() + ": has no tensor \"" + name + '"');
  const SafetensorsEntry& entry = found->second;
  const Dtype& dtype = *find_dtype(entry.dtype);
  if (entry.bytes.empty())
    return at::empty(entry.shape, dtype.type);
  auto* data = const_cast<std::byte*>(entry.bytes.data());
  const auto view = [&](at::ScalarType type) {
    return at::from_blob(
        data, entry.shape, [owner = file_.owner()](void*) {}, type);
  };
  if (dtype.type == at::kBool) // a byte that is neither 0 nor 1 is no bool in C++
    return view(at::kByte).ne(0);
  if (reinterpret_cast<std::uintptr_t>(data) % static_cast<std::uintptr_t>(dtype.size) == 0)
    return view(dtype.type);
  Tensor copy = at::empty(entry.shape, dtype.type);
  std::memcpy(copy.mutable_data_ptr(), data, entry.bytes.size());
  return copy;
}

namespace {

[[noreturn]] void refuse(const std::filesystem::path& path, const std::string& name,
                         const std::string& reason) {
  throw Error("safetensors",
              path.string() + ": tensor \"" + name + "\" cannot be written: " + reason);
}

const Dtype* find_dtype(at::ScalarType type) {
  const auto* found = std::ranges::find(dtypes, type, &Dtype::type);
  return found == std::end(dtypes) ? nullptr : found;
}

/// The header's JSON, padded with spaces so that the data begins at a multiple of 8.
std::string header_text(const std::filesystem::path& path, const std::vector<TensorLayout>& plan,
                        const std::map<std::string, std::string>& metadata) {
  Json header = Json::object();
  if (!metadata.empty())
    header[metadata_key] = metadata;
  std::set<std::string> names = {metadata_key};
  std::int64_t position = 0;
  for (const TensorLayout& layout : plan) {
    const Dtype* dtype = find_dtype(layout.type);
    if (!dtype)
      refuse(path, layout.name,
             std::string(at::toString(layout.type)) + " is not one of " + known_dtypes());
    if (!names.insert(layout.name).second)
      refuse(path, layout.name, "its name is already taken");
    const std::int64_t end = position + bytes_of(layout);
    header.push_back(
        {layout.name,
         Json{{"dtype", dtype->word}, {"shape", layout.shape}, {"data_offsets", {position, end}}}});
    position = end;
  }
  std::string text;
  try {
    text = to_text(header);
  } catch (const Json::exception&) {
    throw Error("safetensors", path.string() + ": a name or a metadata value is not UTF-8");
  }
  text.append((8 - text.size() % 8) % 8, ' ');
  require(text.size() <= header_limit, "safetensors",
          path.string() + ": the header would be larger than 100 MB; write several files");
  return text;
}

/// Rows of the planned tensor: all dimensions but the first agree.
bool fits(const Tensor& rows, const TensorLayout& layout) {
  if (rows.scalar_type() != layout.type ||
      rows.dim() != static_cast<std::int64_t>(layout.shape.size()))
    return false;
  for (std::int64_t i = 1; i < rows.dim(); ++i)
    if (rows.size(i) != layout.shape[static_cast<std::size_t>(i)])
      return false;
  return true;
}

} // namespace

std::int64_t bytes_of(const TensorLayout& layout) {
  const Dtype* dtype = find_dtype(layout.type);
  const auto bytes = dtype ? byte_count(layout.shape, dtype->size) : std::nullopt;
  require(bytes.has_value(), "safetensors",
          "tensor \"" + layout.name + "\" cannot be written: its dtype " +
              at::toString(layout.type) + " is not one of " + known_dtypes() +
              ", or its shape overflows");
  return *bytes;
}

SafetensorsWriter::SafetensorsWriter(const std::filesystem::path& path,
                                     std::vector<TensorLayout> plan,
                                     const std::map<std::string, std::string>& metadata)
    : path_(path), file_(path), plan_(std::move(plan)) {
  const std::string header = header_text(path_, plan_, metadata);
  const std::uint64_t length = header.size();
  file_.write(std::as_bytes(std::span(&length, 1)));
  file_.write(header);
}

void SafetensorsWriter::fail(const std::string& name, const std::string& reason) const {
  refuse(path_, name, reason);
}

bool SafetensorsWriter::complete() {
  while (next_ < plan_.size() && bytes_of(plan_[next_]) == 0)
    ++next_;
  return next_ == plan_.size();
}

void SafetensorsWriter::add(const std::string& name, const Tensor& rows) {
  if (!rows.defined())
    fail(name, "it is undefined");
  if (rows.numel() == 0)
    return;
  if (complete() || plan_[next_].name != name)
    fail(name, "it is not the tensor that comes next");
  const std::int64_t planned = bytes_of(plan_[next_]);
  const Tensor bytes = rows.cpu().contiguous();
  if (!fits(bytes, plan_[next_]) || static_cast<std::int64_t>(bytes.nbytes()) > planned - written_)
    fail(name, "it has another dtype or shape than was planned");
  file_.write({static_cast<const std::byte*>(bytes.const_data_ptr()), bytes.nbytes()});
  written_ += static_cast<std::int64_t>(bytes.nbytes());
  if (written_ == planned) {
    written_ = 0;
    ++next_;
  }
}

void SafetensorsWriter::commit() {
  if (!complete())
    fail(plan_[next_].name, "it, or a part of it, is missing");
  file_.commit();
}

void write_safetensors(const std::filesystem::path& path,
                       const std::vector<std::pair<std::string, Tensor>>& tensors,
                       const std::map<std::string, std::string>& metadata) {
  std::vector<TensorLayout> plan;
  for (const auto& [name, tensor] : tensors) {
    if (!tensor.defined())
      refuse(path, name, "it is undefined");
    plan.push_back({name, tensor.scalar_type(), tensor.sizes().vec()});
  }
  SafetensorsWriter writer(path, std::move(plan), metadata);
  for (const auto& [name, tensor] : tensors)
    writer.add(name, tensor);
  writer.commit();
}

} // namespace latticelens
