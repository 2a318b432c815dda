// Which neighbouring symbols a BPE vocabulary joins, and in what order.
#pragma once
#include "text/tokenizer.h"
#include <vector>

namespace latticelens {

struct Merge {
  std::uint32_t rank = 0; // lower first
  TokenId merged = 0;
};

/// An open-addressing hash table: `find` is what encoding spends its time in.
class MergeTable {
 public:
  /// A pair that stands there already gets the new merge (as Hugging Face's tokenizers do).
  void add(TokenId left, TokenId right, Merge merge);
  /// Null if the pair does not merge.
  const Merge* find(TokenId left, TokenId right) const;
  std::size_t size() const { return used_; }

  /// The pairs in no particular order.
  template<typename Visit>
  void for_each(Visit visit) const {
    for (const Slot& slot : slots_)
      if (slot.pair != empty)
        visit(static_cast<TokenId>(slot.pair >> 32), static_cast<TokenId>(slot.pair & 0xffffffffu),
              slot.merge);
  }

 private:
  static constexpr std::uint64_t empty = ~0ull; // ids are not negative
  struct Slot {
    std::uint64_t pair = empty;
    Merge merge;
  };
  std::size_t place(std::uint64_t pair) const;
  void grow();
  std::vector<Slot> slots_;
  std::size_t used_ = 0;
};

} // namespace latticelens
