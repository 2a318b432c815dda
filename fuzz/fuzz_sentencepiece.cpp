// Any .model either is refused with an Error or encodes texts, whose ids decode. The library itself
// is not instrumented: what it must not see has to be refused before.
#include "fuzz/memory_file.h"
#include "fuzz/tokenizer_texts.h"
#include "text/sentencepiece_tokenizer.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace latticelens;
  const fuzzing::MemoryFile memory(data, size);
  try {
    fuzzing::encode_texts(*open_sentencepiece(memory.path()));
  } catch (const Error&) {
  }
  return 0;
}
