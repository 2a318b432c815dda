// Which neighbouring symbols a BPE vocabulary joins, and in what order.
#pragma once
#include "text/pair_table.h"
#include "text/tokenizer.h"

namespace latticelens {

struct Merge {
  std::uint32_t rank = 0; // lower first
  TokenId merged = 0;
};

using MergeTable = PairTable<Merge>;

} // namespace latticelens
