// Any file either is refused with an Error or gives metadata and tensors that decode.
#include "core/error.h"
#include "fuzz/memory_file.h"
#include "tensor/gguf.h"
#include "tensor/gguf_blocks.h"
#include <ATen/ATen.h>
#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace latticelens;
  const fuzzing::MemoryFile memory(data, size);
  try {
    const GgufFile file(memory.path());
    for (const auto& [key, value] : file.metadata())
      if (std::holds_alternative<std::int64_t>(value) &&
          file.number(key) != static_cast<double>(file.integer(key)))
        std::abort();
    for (const auto& [name, tensor] : file.tensors()) {
      if (!find_block_type(tensor.type))
        continue;
      const at::Tensor values = file.load(name);
      if (values.sizes() != at::IntArrayRef(tensor.shape))
        std::abort();
    }
  } catch (const Error&) {
  }
  return 0;
}
