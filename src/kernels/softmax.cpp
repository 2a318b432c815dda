#include "kernels/softmax.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/softmax.cpp"
#include <hwy/foreach_target.h> // compiles this file once for each instruction set
#include <hwy/highway.h>
// After highway.h, which it needs.
#include <hwy/contrib/math/math-inl.h>

#include "kernels/product.h"
#include <algorithm>
#include <cmath>

HWY_BEFORE_NAMESPACE();
namespace latticelens::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// Columns that go side by side, so that one does not wait for another's sum.
constexpr int together = 3;

void exponentials(std::int64_t rows, float* strip, float* sums) {
  const hn::CappedTag<float, strip_width / together> d;
  using Vector = hn::Vec<decltype(d)>;
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
  for (std::int64_t j = 0; j < strip_width; j += together * lanes) {
    Vector largest[together], sum[together];
    HWY_UNROLL(3)
    for (int v = 0; v < together; ++v) {
      largest[v] = hn::LoadU(d, strip + j + v * lanes);
      sum[v] = hn::Zero(d);
    }
    for (std::int64_t i = 1; i < rows; ++i) {
      HWY_UNROLL(3)
      for (int v = 0; v < together; ++v)
        largest[v] = hn::Max(largest[v], hn::LoadU(d, strip + i * strip_width + j + v * lanes));
    }
    for (std::int64_t i = 0; i < rows; ++i) {
      HWY_UNROLL(3)
      for (int v = 0; v < together; ++v) {
        float* at = strip + i * strip_width + j + v * lanes;
        const auto value = hn::Exp(d, hn::Sub(hn::LoadU(d, at), largest[v]));
        hn::StoreU(value, d, at);
        sum[v] = hn::Add(sum[v], value);
      }
    }
    HWY_UNROLL(3)
    for (int v = 0; v < together; ++v)
      hn::StoreU(sum[v], d, sums + j + v * lanes);
  }
}

} // namespace latticelens::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace latticelens {

HWY_EXPORT(exponentials);

void exponentials_of_columns(std::int64_t rows, float* strip, float* sums) {
  HWY_DYNAMIC_DISPATCH(exponentials)(rows, strip, sums);
}

namespace reference {

void exponentials_of_columns(std::int64_t rows, float* strip, float* sums) {
  for (std::int64_t j = 0; j < strip_width; ++j) {
    float largest = strip[j];
    for (std::int64_t i = 1; i < rows; ++i)
      largest = std::max(largest, strip[i * strip_width + j]);
    sums[j] = 0;
    for (std::int64_t i = 0; i < rows; ++i)
      sums[j] += strip[i * strip_width + j] = std::exp(strip[i * strip_width + j] - largest);
  }
}

} // namespace reference
} // namespace latticelens
#endif
