// The table of orders, and those that are chosen before factoring.
#include "lattice/order.h"

#include "core/error.h"
#include "lattice/min_pivot.h"
#include "tensor/cholesky.h"
#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <algorithm>
#include <numeric>

namespace latticelens {
namespace {

// Factors are as large as the layer: each is written in one pass over memory, in parallel, few rows
// at a time because rows a power of two apart share cache sets.
constexpr std::int64_t rows_per_task = 8;

/// (H + lambda I) with rows and columns in the reverse of the order; only its lower triangle.
Tensor reversed_and_damped(const Tensor& h, double lambda, const Order& order) {
  const std::int64_t n = h.size(0);
  const Tensor from = h.contiguous();
  Tensor reversed = at::empty({n, n}, h.options());
  const double* source = from.const_data_ptr<double>();
  double* target = reversed.mutable_data_ptr<double>();
  at::parallel_for(0, n, rows_per_task, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      const double* row = source + order[n - 1 - i] * n;
      for (std::int64_t j = 0; j <= i; ++j)
        target[i * n + j] = row[order[n - 1 - j]];
      target[i * n + i] += lambda;
    }
  });
  return reversed;
}

/// With J H J = C Cᵀ, J the reversal: H = (J C J)(J C J)ᵀ, so Lᵀ = J C J, L_ij = C_(n-1-j)(n-1-i).
Tensor lattice_of(const Tensor& c) {
  const std::int64_t n = c.size(0);
  Tensor l = at::zeros({n, n}, c.options());
  const double* source = c.const_data_ptr<double>();
  double* target = l.mutable_data_ptr<double>();
  at::parallel_for(0, (n + rows_per_task - 1) / rows_per_task, 1,
                   [&](std::int64_t begin, std::int64_t end) {
                     for (std::int64_t tile = begin; tile < end; ++tile) {
                       const std::int64_t first = tile * rows_per_task,
                                          last = std::min(first + rows_per_task, n);
                       for (std::int64_t j = 0; j < last; ++j)
                         for (std::int64_t i = std::max(first, j); i < last; ++i)
                           target[i * n + j] = source[(n - 1 - j) * n + n - 1 - i];
                     }
                   });
  return l;
}

bool factor_given(const Tensor& h, double lambda, Order order, OrderedFactor& result) {
  Tensor c = reversed_and_damped(h, lambda, order);
  if (!cholesky_in_place(c))
    return false;
  result = {lattice_of(c), std::move(order)};
  return true;
}

Order natural_order(std::int64_t n) {
  Order order(n);
  std::iota(order.begin(), order.end(), 0);
  return order;
}

bool factor_natural(const Tensor& h, double lambda, std::int64_t, OrderedFactor& result) {
  return factor_given(h, lambda, natural_order(h.size(0)), result);
}

bool factor_reversed(const Tensor& h, double lambda, std::int64_t, OrderedFactor& result) {
  Order order = natural_order(h.size(0));
  std::reverse(order.begin(), order.end());
  return factor_given(h, lambda, std::move(order), result);
}

/// Largest diagonal first; whole blocks by their sums. Ties keep the natural order.
bool factor_activation(const Tensor& h, double lambda, std::int64_t block, OrderedFactor& result) {
  const Tensor diagonal = h.diagonal().contiguous();
  const double* squares = diagonal.const_data_ptr<double>();
  const std::int64_t n = h.size(0);
  std::vector<double> sums(n / block);
  for (std::int64_t i = 0; i < n; ++i)
    sums[i / block] += squares[i];
  Order order = natural_order(n);
  std::stable_sort(order.begin(), order.end(), [&](std::int64_t a, std::int64_t b) {
    if (a / block == b / block)
      return squares[a] > squares[b];
    return sums[a / block] > sums[b / block] ||
           (sums[a / block] == sums[b / block] && a / block < b / block);
  });
  return factor_given(h, lambda, std::move(order), result);
}

std::string known_orders() {
  std::string names;
  for (const OrderRow& row : orders())
    names += (names.empty() ? "" : ", ") + std::string(row.name);
  return names;
}

Tensor index_of(const Order& order) {
  return at::tensor(order, at::kLong);
}

} // namespace

const std::vector<OrderRow>& orders() {
  static const std::vector<OrderRow> table = {
      {"natural", "first column first: published GPTQ's default", factor_natural},
      {"reversed", "last column first", factor_reversed},
      {"activation", "largest mean square of the input first (GPTQ's act-order)",
       factor_activation},
      {"min-pivot",
       "what is shortest given the rest is rounded last: least sum of squared cells of all orders "
       "tried",
       factor_min_pivot},
  };
  return table;
}

const OrderRow& order_row(const std::string& name) {
  for (const OrderRow& row : orders())
    if (name == row.name)
      return row;
  throw Error("order", "\"" + name + "\" is unknown; known: " + known_orders());
}

Tensor in_order(const Tensor& x, const Order& order) {
  return x.index_select(0, index_of(order));
}

Tensor undo_order(const Tensor& x, const Order& order) {
  Tensor back = at::empty_like(x);
  back.index_copy_(0, index_of(order), x);
  return back;
}

} // namespace latticelens
