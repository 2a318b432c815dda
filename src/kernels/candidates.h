// The largest of many scores, found while they are made: a list that only takes what can still be
// among them.
#pragma once
#include <algorithm>
#include <cstdint>
#include <limits>
#include <span>
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
      : wanted_(wanted), all_(static_cast<std::size_t>(room_for * wanted)) {}

  void clear() {
    count_ = 0;
    bar_ = -std::numeric_limits<float>::infinity();
  }
  /// Scores up to this are not among the wanted: each of those has a lower place and is no smaller.
  float bar() const { return bar_; }
  /// A score above the bar.
  void add(float score, std::int32_t place) {
    all_[count_++] = {score, place};
    if (count_ == all_.size())
      shrink();
  }
  /// Room for `extra` scores that a kernel writes itself: where to, and that it did.
  Candidate* reserve(std::size_t extra) {
    if (count_ + extra > all_.size())
      shrink();
    return all_.data() + count_;
  }
  void wrote(std::size_t extra) { count_ += extra; }
  /// The wanted ones, the largest first; fewer when fewer came.
  std::span<const Candidate> largest() {
    shrink();
    std::sort(all_.begin(), all_.begin() + static_cast<std::ptrdiff_t>(count_));
    return {all_.data(), count_};
  }

 private:
  static constexpr std::int64_t room_for = 4; // times the wanted: shrinking is rare and cheap
  void shrink() {
    const auto wanted = static_cast<std::size_t>(wanted_);
    if (count_ <= wanted)
      return;
    const auto end = all_.begin() + static_cast<std::ptrdiff_t>(count_);
    std::nth_element(all_.begin(), all_.begin() + (wanted_ - 1), end);
    count_ = wanted;
    bar_ = all_[wanted - 1].score;
  }
  std::int64_t wanted_;
  std::vector<Candidate> all_;
  std::size_t count_ = 0;
  float bar_ = -std::numeric_limits<float>::infinity();
};

} // namespace latticelens
