#include "text/merge_table.h"

namespace latticelens {
namespace {

std::uint64_t pair_of(TokenId left, TokenId right) {
  return static_cast<std::uint64_t>(left) << 32 | static_cast<std::uint32_t>(right);
}

} // namespace

// The slot of the pair, or the empty one where it would go.
std::size_t MergeTable::place(std::uint64_t pair) const {
  const std::size_t mask = slots_.size() - 1;
  std::uint64_t hash = pair * 0x9E3779B97F4A7C15ull;
  hash ^= hash >> 32;
  std::size_t at = hash & mask;
  while (slots_[at].pair != pair && slots_[at].pair != empty)
    at = (at + 1) & mask;
  return at;
}

void MergeTable::grow() {
  std::vector<Slot> old(slots_.empty() ? 16 : slots_.size() * 2);
  old.swap(slots_);
  for (const Slot& slot : old)
    if (slot.pair != empty)
      slots_[place(slot.pair)] = slot;
}

void MergeTable::add(TokenId left, TokenId right, Merge merge) {
  if (used_ * 2 >= slots_.size())
    grow();
  Slot& slot = slots_[place(pair_of(left, right))];
  used_ += slot.pair == empty;
  slot = {pair_of(left, right), merge};
}

const Merge* MergeTable::find(TokenId left, TokenId right) const {
  if (slots_.empty())
    return nullptr;
  const Slot& slot = slots_[place(pair_of(left, right))];
  return slot.pair == empty ? nullptr : &slot.merge;
}

} // namespace latticelens
