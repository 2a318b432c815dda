// How token texts become a text again.
#pragma once
#include "core/json.h"
#include <string>
#include <vector>

namespace latticelens {

class Decoder {
 public:
  /// Reads the "decoder" of a tokenizer.json (null: tokens joined with spaces): Sequence,
  /// ByteLevel, Replace of a string, ByteFallback, Fuse, Strip, Metaspace. Error: any other, naming
  /// it.
  Decoder(const Json& json, const std::string& where);
  /// UTF-8; what is not becomes U+FFFD.
  std::string decode(std::vector<std::string> tokens) const;

 private:
  enum class Kind { byte_level, replace, byte_fallback, fuse, strip, metaspace };
  struct Step {
    Kind kind;
    std::string from = {}, to = {};   // of replace; strip removes `from`; metaspace replaces it
    std::int64_t start = 0, stop = 0; // how many strip removes; metaspace: 1 if it was prepended
  };
  void read(const Json& json, const std::string& where);
  std::vector<Step> steps_;
  bool joins_with_spaces_ = false;
};

} // namespace latticelens
