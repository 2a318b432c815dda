// Any text either is refused with an Error or survives a round trip.
#include "core/error.h"
#include "core/json.h"
#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace latticelens;
  try {
    const Json json = parse_json({reinterpret_cast<const char*>(data), size}, "input");
    const std::string text = to_text(json);
    if (to_text(parse_json(text, "round trip")) != text)
      std::abort();
  } catch (const Error&) {
  }
  return 0;
}
