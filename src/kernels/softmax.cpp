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
#include <limits>

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

constexpr int in_flight = 4; // vectors of a row, so that one does not wait for another

/// step(v, x) with every vector x of a row, the last filled up with minus infinity; v < in_flight.
template<class D, class Step>
HWY_INLINE void each_vector(D d, const float* row, std::int64_t width, const Step& step) {
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
  std::int64_t j = 0;
  for (; j + in_flight * lanes <= width; j += in_flight * lanes) {
    HWY_UNROLL(4)
    for (int v = 0; v < in_flight; ++v)
      step(v, hn::LoadU(d, row + j + v * lanes));
  }
  HWY_ALIGN float last[hn::MaxLanes(d)];
  for (; j < width; j += lanes) {
    std::fill(last, last + lanes, -std::numeric_limits<float>::infinity());
    std::copy(row + j, row + std::min(width, j + lanes), last);
    step(0, hn::Load(d, last));
  }
}

double log_sum_of(const float* row, std::int64_t width) {
  const hn::ScalableTag<float> d;
  hn::Vec<decltype(d)> largest[in_flight], sum[in_flight];
  for (int v = 0; v < in_flight; ++v) {
    largest[v] = hn::Neg(hn::Inf(d));
    sum[v] = hn::Zero(d);
  }
  each_vector(d, row, width, [&](int v, auto x) HWY_ATTR { largest[v] = hn::Max(largest[v], x); });
  const auto tops =
      hn::MaxOfLanes(d, hn::Max(hn::Max(largest[0], largest[1]), hn::Max(largest[2], largest[3])));
  each_vector(d, row, width, [&](int v, auto x) HWY_ATTR {
    const auto value = hn::Exp(d, hn::Sub(x, tops)); // zero for NaN, which has to stay
    sum[v] = hn::Add(sum[v], hn::IfThenElse(hn::Eq(x, x), value, x));
  });
  const auto total = hn::SumOfLanes(d, hn::Add(hn::Add(sum[0], sum[1]), hn::Add(sum[2], sum[3])));
  return hn::GetLane(tops) + std::log(static_cast<double>(hn::GetLane(total)));
}

void log_sums(std::int64_t rows, std::int64_t width, const float* x, double* logarithms) {
  for (std::int64_t i = 0; i < rows; ++i)
    logarithms[i] = log_sum_of(x + i * width, width);
}

} // namespace latticelens::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace latticelens {

HWY_EXPORT(exponentials);
HWY_EXPORT(log_sums);

void exponentials_of_columns(std::int64_t rows, float* strip, float* sums) {
  HWY_DYNAMIC_DISPATCH(exponentials)(rows, strip, sums);
}

void log_sums_of_exponentials(std::int64_t rows, std::int64_t width, const float* x,
                              double* logarithms) {
  HWY_DYNAMIC_DISPATCH(log_sums)(rows, width, x, logarithms);
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

void log_sums_of_exponentials(std::int64_t rows, std::int64_t width, const float* x,
                              double* logarithms) {
  for (std::int64_t i = 0; i < rows; ++i) {
    const float* row = x + i * width;
    const double largest = *std::max_element(row, row + width);
    double sum = 0;
    for (std::int64_t j = 0; j < width; ++j)
      sum += std::exp(row[j] - largest);
    logarithms[i] = largest + std::log(sum);
  }
}

} // namespace reference
} // namespace latticelens
#endif
