// The largest latents of every input, exact in fp32, without the matrix [batch, latents]:
// candidates by products of bytes where the processor has them, scored again in fp32.
#pragma once
#include "sae/coder.h"
#include "sae/codes.h"
#include <atomic>
#include <cstdint>
#include <limits>
#include <memory>
#include <vector>

namespace latticelens {

enum class SearchPrecision { bytes, fp32 };
/// What is faster here: bytes where there are instructions for them.
SearchPrecision fastest_search();

/// The encoder's rows as the search reads them. They are packed anew whenever they change.
class LatentSearch {
 public:
  LatentSearch(std::int64_t latents, std::int64_t width, SearchPrecision precision);

  /// Rows that are packed together: to be packed as one part.
  std::int64_t part_rows() const;
  std::int64_t parts() const;
  /// Part `p` of the encoder [n, d] and its bias [n]. Different parts on different threads.
  void pack(std::int64_t p, const Tensor& encoder, const Tensor& bias);
  void pack_all(const Tensor& encoder, const Tensor& bias);

  /// The `count` largest latents of centred inputs x - b_dec [B, d], after ReLU, the largest first,
  /// of equal ones the lowest; the weights are those that were packed. The same bytes at any thread
  /// count. Error: more than there are.
  Codes largest(const Tensor& centred, const CoderWeights& weights, std::int64_t count) const;

 private:
  struct Rows; // some inputs on their way through all parts
  /// Of part `p`, for `count` rows from `row` on.
  void add_scores(Rows& rows, std::int64_t row, std::int64_t count, std::int64_t p) const;
  void find(Rows& rows, float bar) const;
  void expect_above(float lowest) const;

  std::int64_t latents_, width_;
  SearchPrecision precision_;
  std::vector<std::uint8_t> bytes_; // strips, one after the other
  std::vector<float> floats_;       // the same in fp32: [parts, d, strip_width]
  std::vector<float> bias_;         // [parts * strip_width], minus infinity past the last
  /// What the wanted scores of the next inputs may be above: time depends on it, results do not.
  std::shared_ptr<std::atomic<float>> expected_ =
      std::make_shared<std::atomic<float>>(-std::numeric_limits<float>::infinity());
};

/// How many of the k largest latents of these inputs the search misses: the candidates' errors,
/// made visible. By products of all latents in fp32.
std::int64_t missed_latents(const Tensor& centred, const CoderWeights& weights, const Codes& found);

namespace reference {
/// By the definition: at::linear, ReLU, a stable sort.
Codes largest(const Tensor& centred, const CoderWeights& weights, std::int64_t count);
} // namespace reference

/// weights.bias + Σ values · decoder rows: [B, d].
Tensor decode(const Codes& codes, const CoderWeights& weights);

namespace reference {
Tensor decode(const Codes& codes, const CoderWeights& weights);
} // namespace reference

} // namespace latticelens
