// Coordinate descent on the codes of a weight matrix: moves of one coordinate, and of two at once.
#pragma once
#include "kernels/element_grid.h"
#include <cstdint>

namespace latticelens {

/// Some coordinates of a strip of rows; arrays [columns, rows] without gaps. With e = weights -
/// values and H the damped moments, the error of a row is eᵀ H e.
struct DescentPanel {
  std::int64_t rows = 0;
  std::int64_t columns = 0;
  const float* moments = nullptr; // [columns, columns] of H, rows moments_stride apart
  std::int64_t moments_stride = 0;
  const float* gradient = nullptr; // (H e) at the start of the panel
  const float* steps = nullptr;
  float* values = nullptr;
  float* errors = nullptr;
  float* moved = nullptr; // work space: by how much each value has moved in this panel
};

/// Moves each coordinate in turn to the best of its levels, given all others. Returns how many
/// moved.
std::int64_t descend(const DescentPanel& panel, const ElementGrid& grid);

/// Two ways to go from each coordinate of one row: to the level above and to the one below.
struct RowMoves {
  std::int64_t count = 0;
  const float* up = nullptr;      // [count] by how much; 0 at the end of the grid
  const float* up_cost = nullptr; // what it adds to the error by itself; infinity at the end
  const float* down = nullptr;    // negative
  const float* down_cost = nullptr;
};

/// The move that goes best with a move of `distance` of another coordinate, whose row of H is
/// `moments` [count].
struct Partner {
  std::int64_t coordinate = -1;
  bool is_up = false;
  float cost = 0; // its own, and 2 distance * its distance * H_ij
};
Partner best_partner(const RowMoves& moves, const float* moments, float distance,
                     std::int64_t except);

namespace reference {
std::int64_t descend(const DescentPanel& panel, const ElementGrid& grid);
Partner best_partner(const RowMoves& moves, const float* moments, float distance,
                     std::int64_t except);
} // namespace reference

} // namespace latticelens
