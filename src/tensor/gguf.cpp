#include "tensor/gguf.h"

#include "core/error.h"
#include "tensor/gguf_blocks.h"
#include "tensor/gguf_nvfp4.h"
#include "tensor/gguf_reader.h"
#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <cmath>

namespace latticelens {
namespace {

const char* const type_names[] = {
    "an integer",         "a number",          "true or false",      "a text",
    "a list of integers", "a list of numbers", "a list of booleans", "a list of texts"};

[[noreturn]] void wrong_type(const GgufFile& file, const std::string& key, const char* wanted) {
  throw Error("gguf", file.path().string() + ": metadata \"" + key + "\" should be " + wanted +
                          ", not " + type_names[file.metadata().at(key).index()]);
}

const GgufValue& find(const GgufFile& file, const std::string& key) {
  const auto found = file.metadata().find(key);
  require(found != file.metadata().end(), "gguf",
          file.path().string() + ": metadata \"" + key + "\" is missing");
  return found->second;
}

template<typename T>
const T& get(const GgufFile& file, const std::string& key, const char* wanted) {
  const T* value = std::get_if<T>(&find(file, key));
  if (!value)
    wrong_type(file, key, wanted);
  return *value;
}

} // namespace

at::Tensor decode_blocks(const BlockType& type, std::span<const std::byte> blocks,
                         const std::vector<std::int64_t>& shape) {
  at::Tensor result = at::empty(shape, at::kFloat);
  auto* values = result.mutable_data_ptr<float>();
  const auto count = static_cast<std::int64_t>(blocks.size() / type.bytes);
  require(count * static_cast<std::int64_t>(type.values) == result.numel(), "gguf",
          "blocks and shape do not fit together");
  constexpr std::int64_t values_per_task = 1 << 16;
  const auto grain = values_per_task / static_cast<std::int64_t>(type.values);
  at::parallel_for(0, count, grain, [&](std::int64_t begin, std::int64_t end) {
    const auto first = static_cast<std::size_t>(begin),
               length = static_cast<std::size_t>(end - begin);
    type.decode(blocks.subspan(first * type.bytes, length * type.bytes),
                {values + first * type.values, length * type.values});
  });
  return result;
}

GgufFile::GgufFile(const std::filesystem::path& path) : file_(path) {
  GgufContents contents = read_gguf(file_.bytes(), path.string());
  metadata_ = std::move(contents.metadata);
  tensors_ = std::move(contents.tensors);
}

std::int64_t GgufFile::integer(const std::string& key) const {
  return get<std::int64_t>(*this, key, "an integer");
}

double GgufFile::number(const std::string& key) const {
  const auto* whole = std::get_if<std::int64_t>(&find(*this, key));
  return whole ? static_cast<double>(*whole) : get<double>(*this, key, "a number");
}

bool GgufFile::boolean(const std::string& key) const {
  return get<bool>(*this, key, "true or false");
}

const std::string& GgufFile::text(const std::string& key) const {
  return get<std::string>(*this, key, "a text");
}

const std::vector<std::string>& GgufFile::texts(const std::string& key) const {
  return get<std::vector<std::string>>(*this, key, "a list of texts");
}

std::vector<double> GgufFile::numbers(const std::string& key) const {
  if (const auto* whole = std::get_if<std::vector<std::int64_t>>(&find(*this, key)))
    return {whole->begin(), whole->end()};
  return get<std::vector<double>>(*this, key, "a list of numbers");
}

std::vector<std::int64_t> GgufFile::integers(const std::string& key) const {
  return get<std::vector<std::int64_t>>(*this, key, "a list of integers");
}

at::Tensor GgufFile::load(const std::string& name) const {
  const auto found = tensors_.find(name);
  require(found != tensors_.end(), "gguf", path().string() + ": has no tensor \"" + name + '"');
  const GgufTensor& tensor = found->second;
  const BlockType* type = find_block_type(tensor.type);
  require(type, "gguf",
          path().string() + ": tensor \"" + name + "\" has type " + std::to_string(tensor.type) +
              ", which is not supported; convert it to one of " + supported_block_types());
  const at::Tensor values = decode_blocks(*type, tensor.bytes, tensor.shape);
  const auto scale = second_scale(name);
  return scale ? under_second_scale(values, tensor.bytes, *scale) : values;
}

std::optional<float> GgufFile::second_scale(const std::string& name) const {
  const auto weight = tensors_.find(name), stored = tensors_.find(scale_name(name));
  if (weight == tensors_.end() || stored == tensors_.end() ||
      weight->second.type != find_block_type(std::string_view("NVFP4"))->number)
    return std::nullopt;
  const at::Tensor scale = load(stored->first);
  const float value = scale.numel() == 1 ? scale.item<float>() : 0;
  require(std::isfinite(value) && value > 0, "gguf",
          path().string() + ": tensor \"" + stored->first +
              "\" is not one positive number; download the file again");
  return 1 / value;
}

} // namespace latticelens
