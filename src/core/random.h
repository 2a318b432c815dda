// Seeded random numbers that are the same on every machine and compiler (SplitMix64).
#pragma once
#include <cstdint>
#include <string_view>

namespace latticelens {

class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}
  std::uint64_t next() {
    std::uint64_t z = (state_ += 0x9E3779B97F4A7C15ull);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ull;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBull;
    return z ^ (z >> 31);
  }
  bool bit() { return next() >> 63; }
  /// In [0, 1), 53 bits.
  double uniform() { return static_cast<double>(next() >> 11) * 0x1p-53; }

 private:
  std::uint64_t state_;
};

/// A seed for one purpose ("residual", "value_output"), so that draws do not depend on each other's
/// number.
std::uint64_t derived_seed(std::uint64_t seed, std::string_view purpose);

} // namespace latticelens
