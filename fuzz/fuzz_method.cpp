// Any text either is refused as a method with an Error, or is printed canonically.
#include "core/error.h"
#include "quantize/method.h"
#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace latticelens;
  try {
    const std::string text = to_text(parse_method({reinterpret_cast<const char*>(data), size}));
    if (to_text(parse_method(text)) != text)
      std::abort();
  } catch (const Error&) {
  }
  return 0;
}
