// Any GGUF metadata either is refused with an Error or gives a tokenizer that encodes texts, and a
// tokenizer.json that opens.
#include "core/json.h"
#include "fuzz/memory_file.h"
#include "fuzz/tokenizer_texts.h"
#include "text/gguf_tokenizer.h"
#include "text/tokenizer_json.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace latticelens;
  const fuzzing::MemoryFile memory(data, size);
  std::unique_ptr<Tokenizer> tokenizer;
  try {
    tokenizer = open_gguf_tokenizer(memory.path());
  } catch (const Error&) {
    return 0;
  }
  fuzzing::encode_texts(*tokenizer);
  read_tokenizer_json(parse_json(tokenizer->to_tokenizer_json(), "written"), "written");
  return 0;
}
