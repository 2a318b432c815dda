// Any file either is refused with an Error or gives tensors whose every byte can be read.
#include "core/error.h"
#include "fuzz/memory_file.h"
#include "tensor/safetensors.h"
#include <ATen/ATen.h>
#include <cstdlib>
#include <numeric>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace latticelens;
  const fuzzing::MemoryFile memory(data, size);
  try {
    const SafetensorsFile file(memory.path());
    for (const auto& [name, entry] : file.entries()) {
      const Tensor tensor = file.load(name);
      if (tensor.nbytes() != entry.bytes.size())
        std::abort();
      const auto* bytes = static_cast<const std::uint8_t*>(tensor.const_data_ptr());
      volatile unsigned sum = std::accumulate(bytes, bytes + tensor.nbytes(), 0u);
      static_cast<void>(sum);
    }
  } catch (const Error&) {
  }
  return 0;
}
