// A LLaMA with random weights as large as asked, written tensor after tensor: for figures that need
// a model's size and not its sense.
#pragma once
#include <cstdint>
#include <filesystem>

namespace latticelens {

/// The widths of Qwen2.5-1.5B: 28 layers make 1.54 billion parameters. bf16, tied, shards of at
/// most 1 GB, the same bytes every time; with a tokenizer of the visible ASCII characters. Error:
/// the folder exists and is not empty.
void write_synthetic_model(const std::filesystem::path& folder, std::int64_t layers);

} // namespace latticelens
