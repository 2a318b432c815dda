// The order in which a row's coordinates are rounded, and factors in that order.
#pragma once
#include "tensor/tensor.h"
#include <string>
#include <vector>

namespace latticelens {

/// order[t] is the coordinate that is rounded t-th.
using Order = std::vector<std::int64_t>;

/// L [n, n] fp64 lower triangular with positive diagonal, row and column t being coordinate
/// order[t]: (H + lambda I)[order, order] = Lᵀ L.
struct OrderedFactor {
  Tensor l;
  Order order;
};

struct OrderRow {
  const char* name;
  const char* help;
  /// h [n, n] fp64 symmetric. Coordinates of one block (`block` neighbours; 1: each is free) stay
  /// together. False when h + lambda I is not positive definite.
  bool (*factor)(const Tensor& h, double lambda, std::int64_t block, OrderedFactor& result);
};

/// Every order there is.
const std::vector<OrderRow>& orders();
const OrderRow& order_row(const std::string& name);

/// x [n, ...] with its rows in the order, and back.
Tensor in_order(const Tensor& x, const Order& order);
Tensor undo_order(const Tensor& x, const Order& order);

} // namespace latticelens
