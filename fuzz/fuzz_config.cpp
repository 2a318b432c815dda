// Any JSON text either is refused as a model's config with an Error, or gives finite rotary
// frequencies.
#include "core/error.h"
#include "model/family.h"
#include <cmath>
#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace latticelens;
  try {
    const Json json = parse_json({reinterpret_cast<const char*>(data), size}, "input");
    const auto kind = member<std::string>(json, "model_type", "input");
    const Family& family = family_of_model_type(kind, "input");
    const Config config = family.read_config(json, "input");
    family.layout(config);
    for (const std::int64_t tokens : {std::int64_t{1}, std::int64_t{1} << 40})
      for (const double frequency : rope_frequencies(config, tokens))
        if (!std::isfinite(frequency))
          std::abort();
  } catch (const Error&) {
  }
  return 0;
}
