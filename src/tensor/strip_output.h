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

  /// `add(strip, first row, rows, to, stride)` adds whole strips [rows, width] to `to`.
  template<class Add>
  void run(const Add& add) const {
    // Two tasks of rows meet a strip one after the other: a large weight is read half as often.
    constexpr std::int64_t rows_per_task = 128, together = 2;
    const std::int64_t strips = (out + width - 1) / width,
                       parts = (rows + rows_per_task - 1) / rows_per_task;
    at::parallel_for(0, parts * strips, 1, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t task = begin; task < end; ++task) {
        const std::int64_t part = task / (together * strips) * together,
                           count = std::min(together, parts - part),
                           place = task % (together * strips),
                           first = (part + place % count) * rows_per_task;
        one(place / count, first, std::min(rows_per_task, rows - first), add);
      }
    });
  }

 private:
  template<class Add>
  void one(std::int64_t s, std::int64_t first, std::int64_t count, const Add& add) const {
    const std::int64_t columns = std::min(width, out - s * width);
    float* to = y + first * out + s * width;
    if (columns == width) {
      start(s, columns, count, to, out);
      return add(s, first, count, to, out);
    }
    std::vector<float> wide(count * width); // the kernels write whole strips
    start(s, columns, count, wide.data(), width);
    add(s, first, count, wide.data(), width);
    for (std::int64_t i = 0; i < count; ++i)
      std::copy_n(&wide[i * width], columns, to + i * out);
  }

  void start(std::int64_t s, std::int64_t columns, std::int64_t count, float* to,
             std::int64_t stride) const {
    for (std::int64_t i = 0; i < count; ++i)
      if (bias)
        std::copy_n(bias + s * width, columns, to + i * stride);
      else
        std::fill_n(to + i * stride, columns, 0.0f);
  }
};

} // namespace latticelens
