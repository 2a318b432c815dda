// Any tokenizer.json either is refused with an Error or encodes texts, whose ids decode.
#include "core/error.h"
#include "core/json.h"
#include "fuzz/tokenizer_texts.h"
#include "text/tokenizer_json.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace latticelens;
  try {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const auto tokenizer =
        make_bpe_tokenizer(read_tokenizer_json(parse_json(text, "input"), "input"));
    fuzzing::encode_texts(*tokenizer);
  } catch (const Error&) {
  }
  return 0;
}
