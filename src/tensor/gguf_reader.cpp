#include "tensor/gguf_reader.h"

#include "core/error.h"
#include "tensor/gguf_blocks.h"
#include <algorithm>
#include <bit>
#include <cstring>
#include <limits>
#include <type_traits>

namespace latticelens {
namespace {

static_assert(std::endian::native == std::endian::little, "the files are little endian");

enum class ValueType : std::uint32_t {
  u8,
  i8,
  u16,
  i16,
  u32,
  i32,
  f32,
  boolean,
  text,
  array,
  u64,
  i64,
  f64 // the file's numbers
};

/// Reads forward; every read and every count is checked against the bytes that remain.
class Reader {
 public:
  Reader(std::span<const std::byte> bytes, const std::string& where)
      : bytes_(bytes), where_(where) {}

  std::size_t position() const { return position_; }
  std::size_t remaining() const { return bytes_.size() - position_; }

  [[noreturn]] void fail(const std::string& reason,
                         const std::string& next_step = "incomplete download?") const {
    throw Error("gguf", where_ + ": " + reason + "; " + next_step);
  }
  void check(bool condition, const char* reason) const {
    if (!condition)
      fail(reason);
  }

  template<typename T>
  T read() {
    if (remaining() < sizeof(T))
      fail("ends inside its header");
    T value;
    std::memcpy(&value, bytes_.data() + position_, sizeof value);
    position_ += sizeof value;
    return value;
  }

  /// A number of things that take at least `smallest` bytes each.
  std::size_t count(std::size_t smallest, const char* things) {
    const auto value = read<std::uint64_t>();
    if (value > remaining() / smallest)
      fail("says it has " + std::to_string(value) + " " + things + ", but only " +
           std::to_string(remaining()) + " bytes follow");
    return static_cast<std::size_t>(value);
  }

  std::string text() {
    const std::size_t size = count(1, "bytes of text");
    std::string value(reinterpret_cast<const char*>(bytes_.data()) + position_, size);
    position_ += size;
    return value;
  }

 private:
  std::span<const std::byte> bytes_;
  const std::string& where_;
  std::size_t position_ = 0;
};

// ---- metadata ----

template<typename File, typename Value>
Value read_one(Reader& reader) {
  if constexpr (std::is_same_v<Value, std::string>)
    return reader.text();
  else if constexpr (std::is_same_v<Value, bool>)
    return reader.read<std::uint8_t>() != 0;
  else {
    const File value = reader.read<File>();
    if constexpr (std::is_same_v<File, std::uint64_t>)
      reader.check(value <= std::numeric_limits<std::int64_t>::max(),
                   "has an integer above 2^63 - 1 in its metadata");
    return static_cast<Value>(value);
  }
}

struct One {
  template<typename File, typename Value>
  static GgufValue read(Reader& reader) {
    return read_one<File, Value>(reader);
  }
};

struct List {
  template<typename File, typename Value>
  static GgufValue read(Reader& reader) {
    constexpr bool is_text = std::is_same_v<Value, std::string>; // its length takes 8 bytes
    const std::size_t count = reader.count(is_text ? 8 : sizeof(File), "elements in a list");
    std::vector<Value> values;
    values.reserve(count);
    for (std::size_t i = 0; i < count; ++i)
      values.push_back(read_one<File, Value>(reader));
    return values;
  }
};

template<typename Shape>
GgufValue read_typed(Reader& reader, ValueType type) {
  switch (type) {
  case ValueType::u8:
    return Shape::template read<std::uint8_t, std::int64_t>(reader);
  case ValueType::i8:
    return Shape::template read<std::int8_t, std::int64_t>(reader);
  case ValueType::u16:
    return Shape::template read<std::uint16_t, std::int64_t>(reader);
  case ValueType::i16:
    return Shape::template read<std::int16_t, std::int64_t>(reader);
  case ValueType::u32:
    return Shape::template read<std::uint32_t, std::int64_t>(reader);
  case ValueType::i32:
    return Shape::template read<std::int32_t, std::int64_t>(reader);
  case ValueType::u64:
    return Shape::template read<std::uint64_t, std::int64_t>(reader);
  case ValueType::i64:
    return Shape::template read<std::int64_t, std::int64_t>(reader);
  case ValueType::f32:
    return Shape::template read<float, double>(reader);
  case ValueType::f64:
    return Shape::template read<double, double>(reader);
  case ValueType::boolean:
    return Shape::template read<bool, bool>(reader);
  case ValueType::text:
    return Shape::template read<std::uint8_t, std::string>(reader);
  case ValueType::array:
    reader.fail("has a list of lists in its metadata", "remove it with a GGUF editor");
  }
  reader.fail("has metadata of the unknown type " +
              std::to_string(static_cast<std::uint32_t>(type)));
}

GgufValue read_value(Reader& reader) {
  const auto type = static_cast<ValueType>(reader.read<std::uint32_t>());
  if (type != ValueType::array)
    return read_typed<One>(reader, type);
  const auto element = static_cast<ValueType>(reader.read<std::uint32_t>());
  return read_typed<List>(reader, element);
}

std::map<std::string, GgufValue> read_metadata(Reader& reader, std::size_t count) {
  std::map<std::string, GgufValue> metadata;
  for (std::size_t i = 0; i < count; ++i) {
    const std::string key = reader.text();
    if (metadata.contains(key))
      reader.fail("has the metadata \"" + key + "\" twice");
    metadata.emplace(key, read_value(reader));
  }
  return metadata;
}

// ---- tensors ----

struct Place {
  GgufTensor tensor;
  std::uint64_t offset = 0; // from the start of the data
};

/// Bytes of a tensor of a supported type, whose rows are whole blocks.
std::uint64_t byte_count(const Reader& reader, const GgufTensor& tensor, const BlockType& type) {
  const std::string name = "tensor \"" + tensor.name + "\": ";
  const std::int64_t row = tensor.shape.empty() ? 1 : tensor.shape.back();
  if (row % static_cast<std::int64_t>(type.values) != 0)
    reader.fail(name + "a row of " + std::to_string(row) + " values is no multiple of " +
                type.name + "'s block of " + std::to_string(type.values));
  std::int64_t count = sizeof(float); // decoded bytes; an empty dimension counts as one here
  for (const std::int64_t length : tensor.shape)
    if (__builtin_mul_overflow(count, std::max<std::int64_t>(length, 1), &count))
      reader.fail(name + "its shape overflows");
  if (std::ranges::count(tensor.shape, 0) > 0)
    return 0;
  return static_cast<std::uint64_t>(count) / sizeof(float) / type.values * type.bytes;
}

Place read_place(Reader& reader) {
  Place place;
  GgufTensor& tensor = place.tensor;
  tensor.name = reader.text();
  const auto dimensions = reader.read<std::uint32_t>();
  if (dimensions > 4)
    reader.fail("tensor \"" + tensor.name + "\" has " + std::to_string(dimensions) +
                " dimensions, more than 4");
  for (std::uint32_t i = 0; i < dimensions; ++i) {
    const auto length = reader.read<std::uint64_t>();
    if (length > std::numeric_limits<std::int64_t>::max())
      reader.fail("tensor \"" + tensor.name + "\": its shape overflows");
    tensor.shape.insert(tensor.shape.begin(), static_cast<std::int64_t>(length));
  }
  tensor.type = reader.read<std::uint32_t>();
  place.offset = reader.read<std::uint64_t>();
  return place;
}

std::uint64_t read_alignment(const Reader& reader,
                             const std::map<std::string, GgufValue>& metadata) {
  const auto found = metadata.find("general.alignment");
  if (found == metadata.end())
    return 32;
  const auto* value = std::get_if<std::int64_t>(&found->second);
  reader.check(value && *value > 0 && *value <= 1 << 30 &&
                   std::has_single_bit(static_cast<std::uint64_t>(*value)),
               "has a general.alignment that is no power of two");
  return static_cast<std::uint64_t>(*value);
}

/// Gives the tensor its bytes; those of an unsupported type stay empty, as its size is unknown.
void place_tensor(const Reader& reader, Place& place, std::span<const std::byte> data,
                  std::uint64_t alignment) {
  GgufTensor& tensor = place.tensor;
  const std::string name = "tensor \"" + tensor.name + "\" ";
  if (place.offset % alignment != 0)
    reader.fail(name + "does not begin at a multiple of " + std::to_string(alignment));
  const BlockType* type = find_block_type(tensor.type);
  const std::uint64_t size = type ? byte_count(reader, tensor, *type) : 0;
  if (place.offset > data.size() || size > data.size() - place.offset)
    reader.fail(name + "needs " + std::to_string(size) + " bytes at " +
                std::to_string(place.offset) + ", but the file has only " +
                std::to_string(data.size()) + " bytes of data");
  tensor.bytes = data.subspan(place.offset, size);
}

void refuse_overlaps(const Reader& reader, const std::vector<Place>& places) {
  std::vector<const Place*> sorted;
  for (const Place& place : places)
    if (!place.tensor.bytes.empty())
      sorted.push_back(&place);
  std::ranges::sort(sorted, {}, &Place::offset);
  for (std::size_t i = 1; i < sorted.size(); ++i)
    if (sorted[i]->offset - sorted[i - 1]->offset < sorted[i - 1]->tensor.bytes.size())
      reader.fail("tensor \"" + sorted[i]->tensor.name + "\" overlaps \"" +
                  sorted[i - 1]->tensor.name + '"');
}

void check_start(Reader& reader) {
  constexpr std::uint32_t magic = 0x46554747; // "GGUF"
  reader.check(reader.read<std::uint32_t>() == magic, "does not begin with GGUF");
  const auto version = reader.read<std::uint32_t>();
  if (version != 0 && (version & 0xffff) == 0) // a small number with its bytes swapped
    reader.fail("is big endian", "convert it to little endian");
  if (version != 2 && version != 3)
    reader.fail("is GGUF version " + std::to_string(version) + ", not 2 or 3",
                "convert the model again");
}

} // namespace

GgufContents read_gguf(std::span<const std::byte> bytes, const std::string& where) {
  Reader reader(bytes, where);
  check_start(reader);
  // A tensor takes a name's length, dimensions, type and offset; a value a key's length, a type and
  // at least one byte.
  const std::size_t tensor_count = reader.count(8 + 4 + 4 + 8, "tensors");
  const std::size_t metadata_count = reader.count(8 + 4 + 1, "metadata values");
  GgufContents contents;
  contents.metadata = read_metadata(reader, metadata_count);
  std::vector<Place> places;
  for (std::size_t i = 0; i < tensor_count; ++i)
    places.push_back(read_place(reader));
  const std::uint64_t alignment = read_alignment(reader, contents.metadata);
  const std::uint64_t start = (reader.position() + alignment - 1) / alignment * alignment;
  const auto data = start < bytes.size() ? bytes.subspan(start) : std::span<const std::byte>();
  for (Place& place : places)
    place_tensor(reader, place, data, alignment);
  refuse_overlaps(reader, places);
  for (Place& place : places) {
    std::string name = place.tensor.name;
    if (!contents.tensors.emplace(name, std::move(place.tensor)).second)
      reader.fail("has the tensor \"" + name + "\" twice");
  }
  return contents;
}

} // namespace latticelens
