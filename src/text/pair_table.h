// A hash table from two small numbers to a value: what encoding spends its time in, hence open
// addressing.
#pragma once
#include <cstddef>
#include <cstdint>
#include <vector>

namespace latticelens {

/// Keys are pairs of numbers from 0 to 2^31 - 1.
template<typename Value>
class PairTable {
 public:
  /// A pair that stands there already gets the new value.
  void add(std::int32_t first, std::int32_t second, Value value) {
    if (used_ * 2 >= slots_.size())
      grow();
    Slot& slot = slots_[place(pair_of(first, second))];
    used_ += slot.pair == empty;
    slot = {pair_of(first, second), value};
  }

  /// Null if the pair is not there.
  const Value* find(std::int32_t first, std::int32_t second) const {
    if (slots_.empty())
      return nullptr;
    const Slot& slot = slots_[place(pair_of(first, second))];
    return slot.pair == empty ? nullptr : &slot.value;
  }

  /// The pairs in no particular order.
  template<typename Visit>
  void for_each(Visit visit) const {
    for (const Slot& slot : slots_)
      if (slot.pair != empty)
        visit(static_cast<std::int32_t>(slot.pair >> 32),
              static_cast<std::int32_t>(slot.pair & 0xffffffffu), slot.value);
  }

 private:
  static constexpr std::uint64_t empty = ~0ull;
  struct Slot {
    std::uint64_t pair = empty;
    Value value{};
  };

  static std::uint64_t pair_of(std::int32_t first, std::int32_t second) {
    return static_cast<std::uint64_t>(first) << 32 | static_cast<std::uint32_t>(second);
  }

  // The slot of the pair, or the empty one where it would go.
  std::size_t place(std::uint64_t pair) const {
    const std::size_t mask = slots_.size() - 1;
    std::uint64_t hash = pair * 0x9E3779B97F4A7C15ull;
    hash ^= hash >> 32;
    std::size_t at = hash & mask;
    while (slots_[at].pair != pair && slots_[at].pair != empty)
      at = (at + 1) & mask;
    return at;
  }

  void grow() {
    std::vector<Slot> old(slots_.empty() ? 16 : slots_.size() * 2);
    old.swap(slots_);
    for (const Slot& slot : old)
      if (slot.pair != empty)
        slots_[place(slot.pair)] = slot;
  }

  std::vector<Slot> slots_;
  std::size_t used_ = 0;
};

} // namespace latticelens
