// The wire format of protocol buffers: a message is a list of numbered fields.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace latticelens {

struct WireField {
  std::uint32_t number = 0;
  int type = 0;            // 0 varint, 1 eight bytes, 2 bytes, 5 four bytes
  std::uint64_t value = 0; // of all types but 2
  std::string_view bytes;  // of type 2
};

class WireReader {
 public:
  WireReader(std::string_view message, std::string where)
      : rest_(message), where_(std::move(where)) {}
  /// The next field, none at the end. Error: truncated, or a type that is not used any more.
  std::optional<WireField> next();

 private:
  std::uint64_t varint();
  std::uint64_t fixed(std::size_t length);
  std::string_view take(std::uint64_t length);
  std::string_view rest_;
  std::string where_;
};

} // namespace latticelens
