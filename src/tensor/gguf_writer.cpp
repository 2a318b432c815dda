#include "tensor/gguf_writer.h"

#include "core/error.h"
#include "tensor/gguf_blocks.h"
#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <cstring>
#include <limits>

namespace latticelens {
namespace {

constexpr std::size_t alignment = 32; // of every tensor's start, GGUF's default

// The file's numbers for types of values.
enum class ValueType : std::uint32_t { u32 = 4, i32 = 5, f32 = 6, boolean = 7, text = 8, list = 9 };

class Header {
 public:
  template<typename T>
  void number(T value) {
    char bytes[sizeof value];
    std::memcpy(bytes, &value, sizeof value);
    bytes_.append(bytes, sizeof value);
  }
  void text(const std::string& value) {
    number<std::uint64_t>(value.size());
    bytes_ += value;
  }
  void type(ValueType value) { number(static_cast<std::uint32_t>(value)); }
  void pad() { bytes_.append((alignment - bytes_.size() % alignment) % alignment, '\0'); }
  const std::string& bytes() const { return bytes_; }

 private:
  std::string bytes_;
};

template<typename Stored>
Stored fitting(std::int64_t value, const std::string& key) {
  require(std::in_range<Stored>(value), "gguf",
          "metadata \"" + key + "\": " + std::to_string(value) + " does not fit into 32 bits");
  return static_cast<Stored>(value);
}

/// One overload a kind of value.
struct ValueWriter {
  Header& header;
  const std::string& key;

  void operator()(std::int64_t value) const {
    header.type(ValueType::u32);
    header.number(fitting<std::uint32_t>(value, key));
  }
  void operator()(double value) const {
    header.type(ValueType::f32);
    header.number(static_cast<float>(value));
  }
  void operator()(bool value) const {
    header.type(ValueType::boolean);
    header.number<std::uint8_t>(value);
  }
  void operator()(const std::string& value) const {
    header.type(ValueType::text);
    header.text(value);
  }
  void operator()(const std::vector<std::int64_t>& values) const {
    list(ValueType::i32, values,
         [&](std::int64_t value) { header.number(fitting<std::int32_t>(value, key)); });
  }
  void operator()(const std::vector<double>& values) const {
    list(ValueType::f32, values, [&](double value) { header.number(static_cast<float>(value)); });
  }
  void operator()(const std::vector<bool>& values) const {
    list(ValueType::boolean, values, [&](bool value) { header.number<std::uint8_t>(value); });
  }
  void operator()(const std::vector<std::string>& values) const {
    list(ValueType::text, values, [&](const std::string& value) { header.text(value); });
  }

 private:
  template<typename Values, typename Write>
  void list(ValueType type, const Values& values, const Write& write) const {
    header.type(ValueType::list);
    header.type(type);
    header.number<std::uint64_t>(values.size());
    for (const auto& value : values)
      write(value);
  }
};

std::size_t size_of(const PlannedTensor& tensor) {
  std::size_t values = 1;
  for (const std::int64_t length : tensor.shape)
    values *= static_cast<std::size_t>(length);
  require(!tensor.shape.empty() &&
              static_cast<std::size_t>(tensor.shape.back()) % tensor.type->values == 0,
          "gguf",
          tensor.name + ": rows of " +
              std::to_string(tensor.shape.empty() ? 0 : tensor.shape.back()) +
              " values are no whole blocks of " + tensor.type->name);
  return values / tensor.type->values * tensor.type->bytes;
}

std::size_t padded(std::size_t size) {
  return (size + alignment - 1) / alignment * alignment;
}

} // namespace

GgufWriter::GgufWriter(const std::filesystem::path& path, const GgufMetadata& metadata,
                       std::vector<PlannedTensor> tensors)
    : file_(path), tensors_(std::move(tensors)) {
  constexpr std::uint32_t magic = 0x46554747, version = 3; // "GGUF"
  Header header;
  header.number(magic);
  header.number(version);
  header.number<std::uint64_t>(tensors_.size());
  header.number<std::uint64_t>(metadata.size());
  for (const auto& [key, value] : metadata) {
    header.text(key);
    std::visit(ValueWriter{header, key}, value);
  }
  std::uint64_t offset = 0;
  for (const PlannedTensor& tensor : tensors_) {
    header.text(tensor.name);
    header.number(static_cast<std::uint32_t>(tensor.shape.size()));
    for (auto length = tensor.shape.rbegin(); length != tensor.shape.rend(); ++length)
      header.number(static_cast<std::uint64_t>(*length));
    header.number(tensor.type->number);
    header.number(offset);
    offset += padded(size_of(tensor));
  }
  header.pad();
  file_.write(header.bytes());
}

void GgufWriter::write(const std::string& name, std::span<const std::byte> bytes) {
  require(next_ < tensors_.size() && tensors_[next_].name == name, "gguf",
          name + ": is not the tensor that comes next");
  const std::size_t size = size_of(tensors_[next_]);
  require(bytes.size() <= size - written_ && (!bytes.empty() || size == 0), "gguf",
          name + ": has another size than was planned");
  file_.write(bytes);
  written_ += bytes.size();
  if (written_ < size)
    return;
  file_.write(std::string(padded(size) - size, '\0'));
  written_ = 0;
  ++next_;
}

void GgufWriter::commit() {
  require(next_ == tensors_.size(), "gguf", "not all tensors were written");
  file_.commit();
}

std::vector<std::byte> encode_blocks(const BlockType& type, const at::Tensor& x,
                                     const at::Tensor& weights) {
  const std::int64_t row = x.size(-1), rows = row > 0 ? x.numel() / row : 0;
  require(type.encode, "gguf", std::string(type.name) + ": is only read, not written");
  require(row % static_cast<std::int64_t>(type.values) == 0, "gguf",
          "rows of " + std::to_string(row) + " values are no whole blocks of " + type.name);
  const at::Tensor values = x.to(at::kFloat).contiguous();
  const at::Tensor counted = weights.defined() ? weights.to(at::kFloat).contiguous() : weights;
  const bool shared = counted.defined() && counted.numel() == row;
  require(!counted.defined() || shared || counted.numel() == values.numel(), "gguf",
          "weights and values have different shapes");
  const auto length = static_cast<std::size_t>(row), bytes = length / type.values * type.bytes;
  std::vector<std::byte> blocks(static_cast<std::size_t>(rows) * bytes);
  const float* from = values.const_data_ptr<float>();
  const float* counts = counted.defined() ? counted.const_data_ptr<float>() : nullptr;
  constexpr std::int64_t values_per_task = 1 << 14;
  at::parallel_for(
      0, rows, std::max<std::int64_t>(1, values_per_task / std::max<std::int64_t>(row, 1)),
      [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t i = begin; i < end; ++i) {
          const std::span<const float> own =
              counts ? std::span(counts + (shared ? 0 : i * row), length)
                     : std::span<const float>();
          type.encode({from + i * row, length}, own,
                      std::span(blocks).subspan(static_cast<std::size_t>(i) * bytes, bytes));
        }
      });
  return blocks;
}

} // namespace latticelens
