// Sizes as people write them.
#pragma once
#include <cstdint>
#include <string>

namespace latticelens {

/// "5GB", "200MB", "64KB", "1000B": a positive whole number and a power of 1000, as
/// transformers' max_shard_size has it; "1GiB" and the like count by 1024. Error: anything else.
std::int64_t parse_byte_size(const std::string& text);

} // namespace latticelens
