// The largest of many scores, found while they are made: a list that only takes what can still be
// among them.
#pragma once
#include <algorithm>
#include <bit>
#include <cstdint>
#include <functional>
#include <limits>
#include <span>
#include <utility>
#include <vector>

namespace latticelens {

struct Candidate {
  float score;
  std::int32_t place;
  /// Larger first; of equal scores the lower place.
  bool operator<(const Candidate& other) const {
    return score > other.score || (score == other.score && place < other.place);
  }
};

/// Places must come in ascending order.
class CandidateList {
 public:
  /// Of the `wanted` largest scores.
  explicit CandidateList(std::int64_t wanted)
      : wanted_(wanted), keys_(static_cast<std::size_t>(room_for * wanted)),
        sorted_(static_cast<std::size_t>(wanted)) {}

  /// bar: what the wanted scores are expected to be above. When fewer than the wanted come, it was
  /// too high, and they have to come again without it.
  void clear(float bar = -std::numeric_limits<float>::infinity()) {
    count_ = 0;
    bar_ = bar;
  }
  bool is_full() const { return std::cmp_greater_equal(count_, wanted_); }
  /// Scores up to this are not among the wanted: each of those has a lower place and is no smaller.
  float bar() const { return bar_; }
  /// A score above the bar.
  void add(float score, std::int32_t place) {
    keys_[count_++] = key_of(score, place);
    if (count_ == keys_.size())
      shrink();
  }
  /// The wanted ones, the largest first; fewer when fewer came.
  std::span<const Candidate> largest() {
    shrink();
    std::sort(keys_.begin(), keys_.begin() + static_cast<std::ptrdiff_t>(count_), std::greater<>());
    for (std::size_t i = 0; i < count_; ++i)
      sorted_[i] = {score_of(keys_[i]), static_cast<std::int32_t>(~keys_[i])};
    return {sorted_.data(), count_};
  }

 private:
  static constexpr std::int64_t room_for = 4; // times the wanted: shrinking is rare and cheap
  static constexpr std::uint32_t sign = 0x80000000;

  /// Numbers in the order of the scores, of equal ones the lower place above: compared faster than
  /// pairs.
  static std::uint64_t key_of(float score, std::int32_t place) {
    const auto bits = std::bit_cast<std::uint32_t>(score + 0.0f); // one zero
    const std::uint32_t ordered = bits & sign ? ~bits : bits | sign;
    return std::uint64_t{ordered} << 32 | ~static_cast<std::uint32_t>(place);
  }
  static float score_of(std::uint64_t key) {
    const auto ordered = static_cast<std::uint32_t>(key >> 32);
    return std::bit_cast<float>(ordered & sign ? ordered ^ sign : ~ordered);
  }
  void shrink() {
    const auto wanted = static_cast<std::size_t>(wanted_);
    if (count_ <= wanted)
      return;
    const auto end = keys_.begin() + static_cast<std::ptrdiff_t>(count_);
    std::nth_element(keys_.begin(), keys_.begin() + (wanted_ - 1), end, std::greater<>());
    count_ = wanted;
    bar_ = score_of(keys_[wanted - 1]);
  }
  std::int64_t wanted_;
  std::vector<std::uint64_t> keys_;
  std::vector<Candidate> sorted_;
  std::size_t count_ = 0;
  float bar_ = -std::numeric_limits<float>::infinity();
};

} // namespace latticelens
