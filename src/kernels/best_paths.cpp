#include "kernels/best_paths.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/best_paths.cpp"
#include <hwy/foreach_target.h> // compiles this file once for each instruction set
#include <hwy/highway.h>

#include <algorithm>
#include <limits>

HWY_BEFORE_NAMESPACE();
namespace latticelens::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;
using Floats = hn::CappedTag<float, vector_padding>;

/// Index of the level that x rounds to: how many thresholds it reaches.
HWY_INLINE std::int32_t level_of(float x, const LevelSet& set) {
  const Floats d;
  constexpr std::size_t most_compared = 64;
  const std::size_t count = set.levels.size() - 1, lanes = hn::Lanes(d);
  if (count > most_compared)
    return static_cast<std::int32_t>(
        std::upper_bound(set.thresholds.begin(), set.thresholds.begin() + count, x) -
        set.thresholds.begin());
  std::size_t reached = 0;
  for (std::size_t i = 0; i < count; i += lanes)
    reached += hn::CountTrue(d, hn::Ge(hn::Set(d, x), hn::LoadU(d, &set.thresholds[i])));
  return static_cast<std::int32_t>(reached);
}

/// Extensions of every path by the nearest level, then by its neighbours on both sides. Candidates
/// that cannot be among the cheapest are left out.
HWY_INLINE std::int64_t list_candidates(const PathBlock& block, std::int64_t i, float step,
                                        RowPaths& paths) {
  const LevelSet& set = *block.levels;
  const auto last = static_cast<std::int32_t>(set.levels.size()) - 1;
  const float diagonal = block.diagonal[i];
  const auto cost = [&](std::int64_t path, std::int32_t level) {
    const float distance =
        diagonal * (paths.targets[path * path_block_columns + i] - set.levels[level] * step);
    return paths.costs[path] + distance * distance;
  };
  float dearest = 0;
  for (std::int64_t p = 0; p < paths.count; ++p) {
    const std::int32_t level = level_of(paths.targets[p * path_block_columns + i] / step, set);
    paths.candidate_parent[p] = static_cast<std::int32_t>(p);
    paths.candidate_level[p] = level;
    paths.candidate_costs[p] = cost(p, level);
    dearest = std::max(dearest, paths.candidate_costs[p]);
  }
  if (paths.count < paths.most)
    dearest = std::numeric_limits<float>::infinity();
  std::int64_t count = paths.count;
  const auto consider = [&](std::int64_t path, std::int32_t level) {
    if (level < 0 || level > last)
      return;
    const float value = cost(path, level);
    if (!(value < dearest))
      return;
    paths.candidate_parent[count] = static_cast<std::int32_t>(path);
    paths.candidate_level[count] = level;
    paths.candidate_costs[count++] = value;
  };
  // Costs rise with the distance, so the first one that adds nothing is the last.
  for (std::int32_t distance = 1; distance <= paths.most; ++distance) {
    const std::int64_t before = count;
    for (std::int64_t p = 0; p < paths.count; ++p) {
      consider(p, paths.candidate_level[p] - distance);
      consider(p, paths.candidate_level[p] + distance);
    }
    if (count == before)
      break;
  }
  return count;
}

/// Sorts the cheapest candidates into next_*; a candidate's place is the number of cheaper ones.
HWY_INLINE std::int64_t keep_cheapest(std::int64_t candidates, RowPaths& paths) {
  const Floats d;
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
  const std::int64_t kept = std::min(candidates, paths.most);
  for (std::int64_t i = candidates; i < candidates + lanes; ++i)
    paths.candidate_costs[i] = std::numeric_limits<float>::infinity();
  for (std::int64_t a = 0; a < candidates; ++a) {
    const float own = paths.candidate_costs[a];
    const auto value = hn::Set(d, own);
    std::size_t place = 0, equal = 0;
    for (std::int64_t b = 0; b < candidates; b += lanes) {
      const auto other = hn::LoadU(d, &paths.candidate_costs[b]);
      place += hn::CountTrue(d, hn::Lt(other, value));
      equal += hn::CountTrue(d, hn::Eq(other, value));
    }
    if (equal > 1) // ties: the earlier candidate
      place += std::count(paths.candidate_costs.begin(), paths.candidate_costs.begin() + a, own);
    if (static_cast<std::int64_t>(place) >= kept)
      continue;
    paths.next_costs[place] = own;
    paths.next_parent[place] = paths.candidate_parent[a];
    paths.next_level[place] = paths.candidate_level[a];
  }
  return kept;
}

/// Copies each kept path's targets from its parent's, corrected by what this coordinate missed.
HWY_INLINE void follow(const PathBlock& block, std::int64_t i, float weight, float step,
                       std::int64_t kept, RowPaths& paths) {
  const Floats d;
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
  const float* feedback = block.feedback + i * path_block_columns;
  const auto& levels = block.levels->levels;
  for (std::int64_t p = 0; p < kept; ++p) {
    const std::int32_t parent = paths.next_parent[p];
    const float value = levels[paths.next_level[p]] * step;
    const float* from = &paths.targets[parent * path_block_columns];
    float* to = &paths.next_targets[p * path_block_columns];
    const float target = from[i];
    paths.chosen[i * paths.most + p] = value;
    paths.parents[i * paths.most + p] = parent;
    paths.next_clipped[p] = paths.clipped[parent] + (std::fabs(target / step) > block.levels->edge);
    const auto missed = hn::Set(d, weight - value);
    for (std::int64_t k = i / lanes * lanes; k < path_block_columns; k += lanes)
      hn::StoreU(hn::MulAdd(missed, hn::LoadU(d, feedback + k), hn::LoadU(d, from + k)), d, to + k);
  }
}

/// Values of the block along each path, from the last coordinate back to the first.
HWY_INLINE void trace_back(const PathBlock& block, RowPaths& paths) {
  for (std::int64_t p = 0; p < paths.count; ++p) {
    auto at = static_cast<std::int32_t>(p);
    for (std::int64_t i = block.columns - 1; i >= 0; --i) {
      paths.values[i * paths.most + p] = paths.chosen[i * paths.most + at];
      at = paths.parents[i * paths.most + at];
    }
    paths.ancestor[p] = at;
  }
}

void extend(const PathBlock& block, const float* weights, const float* steps, std::int64_t stride,
            RowPaths& paths) {
  for (std::int64_t i = 0; i < block.columns; ++i) {
    const float step = steps[i * stride];
    const std::int64_t candidates = list_candidates(block, i, step, paths);
    const std::int64_t kept = keep_cheapest(candidates, paths);
    follow(block, i, weights[i * stride], step, kept, paths);
    std::swap(paths.targets, paths.next_targets);
    std::swap(paths.costs, paths.next_costs);
    std::swap(paths.clipped, paths.next_clipped);
    paths.count = kept;
  }
  trace_back(block, paths);
}

} // namespace latticelens::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
#include "core/error.h"
#include <cmath>

namespace latticelens {

HWY_EXPORT(extend);

namespace {

std::vector<float> ascending_levels(const ElementGrid& grid) {
  if (!grid.table.empty())
    return {grid.table.begin(), grid.table.end()};
  constexpr std::size_t most_levels = 4096;
  std::vector<double> magnitudes = {0};
  while (magnitudes.back() < grid.maximum) {
    const double last = magnitudes.back();
    const int exponent =
        last == 0 ? grid.minimum_exponent : std::max(std::ilogb(last), grid.minimum_exponent);
    magnitudes.push_back(last + std::ldexp(1.0, exponent - grid.mantissa_bits));
    require(magnitudes.size() <= most_levels, "grid", "too many levels to search among");
  }
  std::vector<float> levels;
  for (std::size_t i = magnitudes.size() - 1; i > 0; --i)
    levels.push_back(static_cast<float>(-magnitudes[i]));
  for (const double magnitude : magnitudes)
    levels.push_back(static_cast<float>(magnitude));
  return levels;
}

} // namespace

LevelSet levels_of(const ElementGrid& grid) {
  LevelSet set;
  set.levels = ascending_levels(grid);
  set.edge = static_cast<float>(outer_edge(grid));
  for (std::size_t i = 0; i + 1 < set.levels.size(); ++i) {
    const float middle = (set.levels[i] + set.levels[i + 1]) / 2;
    const bool up = snap(middle, grid) == set.levels[i + 1];
    set.thresholds.push_back(up ? middle
                                : std::nextafter(middle, std::numeric_limits<float>::infinity()));
  }
  while (set.thresholds.size() % vector_padding != 0) // nothing reaches NaN
    set.thresholds.push_back(std::numeric_limits<float>::quiet_NaN());
  return set;
}

RowPaths::RowPaths(std::int64_t most_paths, std::int64_t levels) : most(most_paths) {
  const std::int64_t candidates = most * std::min(levels, 2 * most + 1);
  costs.resize(most);
  next_costs.resize(most);
  clipped.resize(most);
  next_clipped.resize(most);
  targets.resize(most * path_block_columns);
  next_targets.resize(most * path_block_columns);
  values.resize(most * path_block_columns);
  chosen.resize(most * path_block_columns);
  parents.resize(most * path_block_columns);
  ancestor.resize(most);
  next_parent.resize(most);
  next_level.resize(most);
  candidate_costs.resize(candidates + vector_padding); // a vector past the last one is read
  candidate_parent.resize(candidates);
  candidate_level.resize(candidates);
}

void extend_paths(const PathBlock& block, const float* weights, const float* steps,
                  std::int64_t stride, RowPaths& paths) {
  HWY_DYNAMIC_DISPATCH(extend)(block, weights, steps, stride, paths);
}

} // namespace latticelens
#endif
