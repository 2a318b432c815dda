// The K-best search inside one block of coordinates of one row (research: the M-algorithm of MIMO
// detection): every path is extended by its nearest levels, the K cheapest extensions go on.
#pragma once
#include "kernels/element_grid.h"
#include <cstdint>
#include <vector>

namespace latticelens {

inline constexpr std::int64_t vector_padding = 16;

/// The values that a coordinate may take, times its step.
struct LevelSet {
  std::vector<float> levels;     // ascending
  std::vector<float> thresholds; // [i]: the smallest number that rounds to levels[i + 1] or above;
                                 // then NaN up to a multiple of vector_padding
  float edge = 0;                // magnitudes above it are beyond the grid
};

/// Every level of a grid, with the grid's own rule for ties. Error: more than 4096 levels.
LevelSet levels_of(const ElementGrid& grid);

/// What all rows share in one block.
struct PathBlock {
  std::int64_t columns = 0; // of the block, at most path_block_columns
  const float* feedback =
      nullptr; // [columns, path_block_columns]: entry (i, k) is L_ki / L_kk, k > i
  const float* diagonal = nullptr; // [columns] L_ii
  const LevelSet* levels = nullptr;
};
inline constexpr std::int64_t path_block_columns = 32;

/// The paths of one row, cheapest first. Arrays have room for `most` paths.
struct RowPaths {
  RowPaths(std::int64_t most_paths, std::int64_t levels);
  std::int64_t most, count = 1;
  std::vector<float> costs;           // sum of (L_ii (target - value))²
  std::vector<std::int64_t> clipped;  // targets outside the levels
  std::vector<float> targets;         // [most, path_block_columns] at the start of the block
  std::vector<float> values;          // [columns, most] of the block, once it is extended
  std::vector<std::int32_t> ancestor; // which path at the start of the block each one continues
  // Work space.
  std::vector<float> next_targets, candidate_costs, next_costs, chosen;
  std::vector<std::int32_t> candidate_parent, candidate_level, parents, next_parent, next_level;
  std::vector<std::int64_t> next_clipped;
};

/// Extends the paths of one row through a block; weights and steps [columns], `stride` apart.
/// Exact: no extension by any level that is left out is cheaper than one that is kept.
void extend_paths(const PathBlock& block, const float* weights, const float* steps,
                  std::int64_t stride, RowPaths& paths);

} // namespace latticelens
