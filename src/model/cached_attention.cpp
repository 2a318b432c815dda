#include "model/cached_attention.h"

#include "tensor/single_thread.h"
#include <ATen/ATen.h>
#include <cmath>
#include <limits>

namespace latticelens {
namespace {

/// [t, n] beside `like`: minus infinity where the query of row i, token n - t + i, does not see the
/// key.
Tensor mask_of(std::int64_t t, std::int64_t n, std::int64_t window, const Tensor& like) {
  const auto whole = like.options().dtype(at::kLong);
  const Tensor query = at::arange(n - t, n, whole).unsqueeze(1),
               key = at::arange(n, whole).unsqueeze(0);
  Tensor hidden = key > query;
  if (window > 0)
    hidden = hidden.logical_or(key <= query - window);
  return at::zeros({t, n}, like.options())
      .masked_fill(hidden, -std::numeric_limits<double>::infinity());
}

} // namespace

Tensor attend_past(const Tensor& queries, const Tensor& keys, const Tensor& values,
                   std::int64_t window, const Tensor& sinks) {
  const SingleThreadMkl one_thread; // the same bytes at any number of threads
  const std::int64_t texts = queries.size(0), heads = queries.size(1), t = queries.size(2),
                     d = queries.size(3), shared = keys.size(1), n = keys.size(2),
                     all = texts * shared;
  // Query heads that share keys are rows of one product.
  const Tensor rows = (queries / std::sqrt(static_cast<double>(d))).reshape({all, -1, d});
  Tensor scores = at::bmm(rows, keys.reshape({all, n, d}).transpose(1, 2)).view({all, -1, t, n});
  if (t > 1 || window > 0)
    scores = scores + mask_of(t, n, window, scores);
  if (sinks.defined()) {
    const Tensor of_rows = sinks.view({1, shared, -1, 1, 1}).expand({texts, -1, -1, t, 1});
    scores = at::cat({scores, of_rows.reshape({all, -1, t, 1})}, -1);
  }
  const Tensor shares = scores.softmax(-1).slice(-1, 0, n).reshape({all, -1, n});
  return at::bmm(shares, values.reshape({all, n, d}))
      .view({texts, heads, t, d})
      .transpose(1, 2)
      .reshape({texts, t, heads * d});
}

} // namespace latticelens
