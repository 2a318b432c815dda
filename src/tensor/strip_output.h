// What products by strips share: y = x Wᵀ + bias, strip after strip of the weight's rows, for tasks
// of rows that stay in the second-level cache. The bytes do not depend on the threads.
#pragma once
#include "tensor/tensor.h"
#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <algorithm>
#include <vector>

namespace latticelens {

/// y [rows, out] and the strips of a weight, `width` of its rows each.
struct StripOutput {
  float* y;
  std::int64_t rows, out, width;
  const float* bias; // or null

  /// `product(strip, first row, rows, start [width], to, stride)` writes whole strips [rows, width]
  /// of start + x Wᵀ.
  template<class Product>
  void run(const Product& product) const {
    // Two tasks of rows meet a strip one after the other: a large weight is read half as often.
    constexpr std::int64_t rows_per_task = 128, together = 2;
    const std::int64_t strips = (out + width - 1) / width,
                       parts = (rows + rows_per_task - 1) / rows_per_task;
    std::vector<float> starts(strips * width);
    if (bias)
      std::copy_n(bias, out, starts.data());
    at::parallel_for(0, parts * strips, 1, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t task = begin; task < end; ++task) {
        const std::int64_t part = task / (together * strips) * together,
                           count = std::min(together, parts - part),
                           place = task % (together * strips),
                           first = (part + place % count) * rows_per_task;
        one(place / count, first, std::min(rows_per_task, rows - first),
            &starts[place / count * width], product);
      }
    });
  }

 private:
  template<class Product>
  void one(std::int64_t s, std::int64_t first, std::int64_t count, const float* start,
           const Product& product) const {
    const std::int64_t columns = std::min(width, out - s * width);
    float* to = y + first * out + s * width;
    if (columns == width)
      return product(s, first, count, start, to, out);
    std::vector<float> wide(count * width); // the kernels write whole strips
    product(s, first, count, start, wide.data(), width);
    for (std::int64_t i = 0; i < count; ++i)
      std::copy_n(&wide[i * width], columns, to + i * out);
  }
};

} // namespace latticelens
