#include "core/byte_size.h"

#include "core/error.h"
#include <charconv>
#include <string_view>

namespace latticelens {
namespace {

struct Unit {
  std::string_view name;
  std::int64_t bytes;
};

constexpr Unit units[] = {
    {"B", 1},         {"KB", 1000},     {"MB", 1000'000}, {"GB", 1000'000'000},
    {"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30}};

} // namespace

std::int64_t parse_byte_size(const std::string& text) {
  std::int64_t count = 0, bytes = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
  const std::string_view rest(end, text.data() + text.size());
  if (error == std::errc() && count > 0)
    for (const Unit& unit : units)
      if (rest == unit.name && !__builtin_mul_overflow(count, unit.bytes, &bytes))
        return bytes;
  throw Error("size", '"' + text +
                          "\" is no size; write a whole number and B, KB, MB, GB, KiB, "
                          "MiB or GiB, as in 5GB");
}

} // namespace latticelens
