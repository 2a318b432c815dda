// Parses a GGUF file's header: metadata, and where every tensor lies.
#pragma once
#include "tensor/gguf.h"

namespace latticelens {

struct GgufContents {
  std::map<std::string, GgufValue> metadata;
  std::map<std::string, GgufTensor> tensors;
};

/// `where` names the file in errors, which GgufFile's constructor lists. The tensors view `bytes`.
GgufContents read_gguf(std::span<const std::byte> bytes, const std::string& where);

} // namespace latticelens
