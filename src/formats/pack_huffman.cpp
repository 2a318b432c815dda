#include "core/error.h"
#include "formats/huffman.h"
#include "formats/packing.h"
#include <ATen/ATen.h>

namespace latticelens {
namespace {

template<typename T>
Tensor tensor_of(const std::vector<T>& values, at::ScalarType type) {
  Tensor tensor = at::empty({static_cast<std::int64_t>(values.size())}, type);
  std::copy(values.begin(), values.end(), tensor.mutable_data_ptr<T>());
  return tensor;
}

template<typename T>
std::vector<T> vector_of(const Tensor& tensor, at::ScalarType type, const std::string& where) {
  require(tensor.defined() && tensor.dim() == 1 && tensor.scalar_type() == type, "weights",
          where + ": a part of its Huffman code is missing or of another type");
  const Tensor from = tensor.contiguous();
  return {from.const_data_ptr<T>(), from.const_data_ptr<T>() + from.numel()};
}

PackedWeight pack(const UnpackedWeight& weight, const Format&) {
  const Tensor step = weight.scales.flatten().slice(0, 0, 1).clone();
  require(at::equal(weight.scales, step.expand_as(weight.scales)), "weights",
          "Huffman-coded integers need one step for the whole matrix");
  const Tensor integers = at::round(weight.values / step).to(at::kInt).contiguous();
  const int* data = integers.const_data_ptr<int>();
  const HuffmanCode code = encode_huffman({data, data + integers.numel()});
  return {{"_huffman", tensor_of(code.stream, at::kByte)},
          {"_symbols", tensor_of(code.symbols, at::kInt)},
          {"_lengths", tensor_of(code.lengths, at::kByte)},
          {"_count", at::tensor({code.count, code.stream_bits, weight.values.size(1)}, at::kLong)},
          {"_step", step}};
}

UnpackedWeight unpack(const LoadPart& load, const Format& format, const std::string& where) {
  const auto sizes = vector_of<std::int64_t>(load("_count"), at::kLong, where);
  const auto step = vector_of<float>(load("_step"), at::kFloat, where);
  require(sizes.size() == 3 && step.size() == 1 && sizes[2] > 0 && sizes[0] % sizes[2] == 0,
          "weights", where + ": _count or _step of its Huffman code is damaged");
  HuffmanCode code;
  code.stream = vector_of<std::uint8_t>(load("_huffman"), at::kByte, where);
  code.symbols = vector_of<std::int32_t>(load("_symbols"), at::kInt, where);
  code.lengths = vector_of<std::uint8_t>(load("_lengths"), at::kByte, where);
  code.count = sizes[0];
  code.stream_bits = sizes[1];
  const std::vector<std::int32_t> integers = decode_huffman(code, where);
  const std::int64_t columns = sizes[2], rows = sizes[0] / columns,
                     block = format.block > 0 ? format.block : columns;
  require(columns % block == 0, "weights", where + ": its rows do not fit " + format.name);
  return {(tensor_of(integers, at::kInt).to(at::kDouble) * static_cast<double>(step[0]))
              .to(at::kFloat)
              .view({rows, columns}),
          at::full({rows, columns / block}, step[0], at::kFloat)};
}

} // namespace

const Packing& huffman_packing() {
  static const Packing packing{"huffman", "_huffman", pack, unpack};
  return packing;
}

} // namespace latticelens
