#include "text/wire_format.h"

#include "core/error.h"

namespace latticelens {

std::string_view WireReader::take(std::uint64_t length) {
  if (length > rest_.size())
    throw Error(
        "tokenizer",
        where_ + ": a protocol buffer ends too early; not a SentencePiece model, or an incomplete "
                 "download");
  const std::string_view taken = rest_.substr(0, length);
  rest_.remove_prefix(length);
  return taken;
}

std::uint64_t WireReader::varint() {
  std::uint64_t value = 0;
  for (int shift = 0; shift < 64; shift += 7) {
    const auto byte = static_cast<std::uint8_t>(take(1)[0]);
    value |= static_cast<std::uint64_t>(byte & 0x7f) << shift;
    if (byte < 0x80)
      return value;
  }
  throw Error("tokenizer", where_ + ": a number of more than 64 bits; not a SentencePiece model");
}

std::uint64_t WireReader::fixed(std::size_t length) {
  std::uint64_t value = 0;
  const std::string_view bytes = take(length);
  for (std::size_t i = 0; i < length; ++i)
    value |= static_cast<std::uint64_t>(static_cast<std::uint8_t>(bytes[i])) << (8 * i);
  return value;
}

std::optional<WireField> WireReader::next() {
  if (rest_.empty())
    return std::nullopt;
  const std::uint64_t tag = varint();
  WireField field;
  field.type = static_cast<int>(tag & 7);
  if (tag >> 3 == 0 || tag >> 3 >= 1u << 29)
    throw Error("tokenizer", where_ + ": a field number out of range; not a SentencePiece model");
  field.number = static_cast<std::uint32_t>(tag >> 3);
  switch (field.type) {
  case 0:
    field.value = varint();
    break;
  case 1:
    field.value = fixed(8);
    break;
  case 2:
    field.bytes = take(varint());
    break;
  case 5:
    field.value = fixed(4);
    break;
  default:
    throw Error("tokenizer", where_ + ": a field of unknown type; not a SentencePiece model");
  }
  return field;
}

} // namespace latticelens
