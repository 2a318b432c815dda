#include "model/cached_attention.h"

#include "tensor/single_thread.h"
#include <ATen/ATen.h>
#include <cmath>
#include <limits>

namespace latticelens {
namespace {

/// [t, n]: minus infinity where the query of row i, token n - t + i, does not see the key.
Tensor mask_of(std::int64_t t, std::int64_t n, std::int64_t window) {
  const Tensor query = at::arange(n - t, n, at::kLong).unsqueeze(1),
               key = at::arange(n, at::kLong).unsqueeze(0);
  Tensor hidden = key > query;
  if (window > 0)
    hidden = hidden.logical_or(key <= query - window);
  return at::zeros({t, n}, at::kFloat)
      .masked_fill(hidden, -std::numeric_limits<double>::infinity());
}

} // namespace

Tensor attend_past(const Tensor& queries, const Tensor& keys, const Tensor& values,
                   std::int64_t window, const Tensor& sinks) {
  const SingleThreadMkl one_thread; // the same bytes at any number of threads
  const std::int64_t heads = queries.size(1), t = queries.size(2), d = queries.size(3),
                     shared = keys.size(1), n = keys.size(2);
  // Query heads that share keys are rows of one product.
  const Tensor rows = (queries / std::sqrt(static_cast<double>(d))).reshape({shared, -1, d});
  Tensor scores = at::bmm(rows, keys[0].transpose(1, 2)).view({shared, -1, t, n});
  if (t > 1 || window > 0)
    scores = scores + mask_of(t, n, window);
  if (sinks.defined())
    scores = at::cat({scores, sinks.view({shared, -1, 1, 1}).expand({-1, -1, t, 1})}, -1);
  const Tensor shares = scores.softmax(-1).slice(-1, 0, n).reshape({shared, -1, n});
  return at::bmm(shares, values[0])
      .view({1, heads, t, d})
      .transpose(1, 2)
      .reshape({1, t, heads * d});
}

} // namespace latticelens
