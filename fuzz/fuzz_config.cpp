// Any JSON text either is refused as a model's config with an Error, or gives finite rotary
// frequencies.
#include "core/error.h"
#include "model/config.h"
#include <cmath>
#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace latticelens;
  try {
    const Json json = parse_json({reinterpret_cast<const char*>(data), size}, "input");
    const Config config = read_llama_config(json, "input");
    if (config.head_dimension > 1 << 16)
      return 0;
    for (const double frequency : rope_frequencies(config))
      if (!std::isfinite(frequency))
        std::abort();
  } catch (const Error&) {
  }
  return 0;
}
