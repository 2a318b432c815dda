#include "lattice/kbest.h"

#include "core/error.h"
#include "kernels/best_paths.h"
#include "kernels/product.h"
#include "lattice/factor.h"
#include "lattice/row_strips.h"
#include "lattice/step_choice.h"
#include <ATen/ATen.h>
#include <algorithm>
#include <numeric>

namespace latticelens {
namespace {

constexpr std::int64_t block_columns = path_block_columns;

void check(std::int64_t paths, const BabaiOptions& options) {
  require(paths >= 1 && paths <= most_paths, "kbest",
          std::to_string(paths) + " paths; choose 1 to " + std::to_string(most_paths));
  require(!options.steps_per_panel, "kbest",
          "stale scales belong to the published gptq; use scales=current, static or search");
  require(options.block >= 1, "kbest", "blocks have at least one column");
}

/// What all rows share: the factor in the forms that the search reads.
struct Basis {
  Basis(const Tensor& l, const ElementGrid& elements, std::int64_t most,
        const BabaiOptions& settings, const ChooseSteps& chooser)
      : n(l.size(0)), feedback(feedback_of(l)), diagonal(l.diagonal().to(at::kFloat).contiguous()),
        grid(elements), levels(levels_of(elements)), paths(most), options(settings),
        choose(chooser) {}

  const float* row(std::int64_t i) const { return feedback.const_data_ptr<float>() + i * n; }

  std::int64_t n;
  Tensor feedback, diagonal; // [n, n] L_ij / L_ii, [n]
  const ElementGrid& grid;
  LevelSet levels;
  std::int64_t paths;
  const BabaiOptions& options;
  const ChooseSteps& choose;
};

/// What a row carries from block to block, cheapest path first.
struct PathEnds {
  std::int64_t count = 1;
  std::vector<float> costs;
  std::vector<std::int64_t> clipped;
};

/// The search through one strip of rows. Columns before `settled_` are the same on all paths of
/// every row and lie in the strip; those after it, the window, have a value per path.
class StripSearch {
 public:
  StripSearch(const Basis& basis, RowStrip& strip)
      : basis_(basis), strip_(strip),
        work_(basis.paths, static_cast<std::int64_t>(basis.levels.levels.size())),
        rows_(strip_width,
              PathEnds{1, std::vector<float>(basis.paths), std::vector<std::int64_t>(basis.paths)}),
        values_(basis.paths), errors_(basis.paths) {}

  void run() {
    for (std::int64_t first = 0; first < basis_.n; first += basis_.options.block) {
      const std::int64_t last = std::min(first + basis_.options.block, basis_.n);
      Targets targets = path_targets(first, last - first);
      choose_steps(first, last - first, targets.front());
      for (std::int64_t chunk = first; chunk < last; chunk += block_columns) {
        const std::int64_t columns = std::min(block_columns, last - chunk);
        if (chunk > first)
          targets = path_targets(chunk, columns);
        search_chunk(chunk, columns, targets);
        settle();
      }
    }
    store(basis_.n - settled_);
    for (std::int64_t r = 0; r < strip_.count; ++r)
      strip_.clipped += rows_[r].clipped[0];
  }

 private:
  using Targets = std::vector<std::vector<float>>; // of each path [columns, strip_width]
  struct Chunk {
    std::int64_t columns;
    std::vector<std::int32_t>
        ends; // [strip_width, paths]: which path at its end each one continues
  };

  void search_chunk(std::int64_t first, std::int64_t columns, const Targets& targets) {
    const PathBlock block = block_at(first, columns);
    const std::int64_t window = first - settled_;
    for (std::int64_t p = 0; p < basis_.paths; ++p) {
      values_[p].resize((window + columns) * strip_width);
      errors_[p].resize((window + columns) * strip_width);
    }
    for (std::int64_t r = 0; r < strip_.count; ++r)
      search_row(block, targets, first, r);
    remember_ends(columns);
  }

  void search_row(const PathBlock& block, const Targets& targets, std::int64_t first,
                  std::int64_t r) {
    PathEnds& ends = rows_[r];
    work_.count = ends.count;
    std::swap(work_.costs, ends.costs);
    std::swap(work_.clipped, ends.clipped);
    for (std::int64_t p = 0; p < work_.count; ++p)
      for (std::int64_t k = 0; k < block.columns; ++k)
        work_.targets[p * block_columns + k] = targets[p][k * strip_width + r];
    const std::int64_t offset = first * strip_width + r;
    extend_paths(block, &strip_.weights[offset], &strip_.steps[offset], strip_width, work_);
    const std::int64_t window = first - settled_;
    continue_ancestors(r, window);
    for (std::int64_t p = 0; p < work_.count; ++p)
      for (std::int64_t k = 0; k < block.columns; ++k)
        set_value(p, window + k, r, work_.values[k * work_.most + p]);
    const float least = work_.costs[0]; // differences stay exact in fp32, the sum grows in fp64
    strip_.squared_errors[r] += least;
    for (std::int64_t p = 0; p < work_.count; ++p)
      work_.costs[p] -= least;
    ends.count = work_.count;
    std::swap(work_.costs, ends.costs);
    std::swap(work_.clipped, ends.clipped);
  }

  /// For each path: weights + what its errors so far ask for, [columns, strip_width]. What is
  /// settled asks all paths for the same.
  Targets path_targets(std::int64_t first, std::int64_t columns) const {
    const float* begin = &strip_.weights[first * strip_width];
    std::vector<float> shared(begin, begin + columns * strip_width);
    add_product<float>(columns, settled_, {basis_.row(first), basis_.n}, strip_.errors.data(),
                       shared.data(), strip_width);
    Targets targets(most_alive(), shared);
    for (std::size_t p = 0; p < targets.size(); ++p)
      add_product<float>(columns, first - settled_, {basis_.row(first) + settled_, basis_.n},
                         errors_[p].data(), targets[p].data(), strip_width);
    return targets;
  }

  std::int64_t most_alive() const {
    std::int64_t most = 1;
    for (std::int64_t r = 0; r < strip_.count; ++r)
      most = std::max(most, rows_[r].count);
    return most;
  }

  void choose_steps(std::int64_t first, std::int64_t columns, const std::vector<float>& targets) {
    const std::int64_t offset = first * strip_width;
    const FeedbackPanel panel{.rows = strip_width,
                              .feedback = basis_.row(first) + first,
                              .feedback_stride = basis_.n,
                              .weights = &strip_.weights[offset],
                              .targets = targets.data(),
                              .diagonal = basis_.diagonal.const_data_ptr<float>() + first};
    choose_block_steps(panel, {strip_.first, strip_width, first, columns},
                       basis_.options.candidates, basis_.grid, basis_.choose,
                       &strip_.steps[offset]);
  }

  PathBlock block_at(std::int64_t first, std::int64_t columns) {
    transposed_.assign(block_columns * block_columns, 0);
    for (std::int64_t k = 0; k < columns; ++k)
      for (std::int64_t i = 0; i < k; ++i)
        transposed_[i * block_columns + k] = basis_.row(first + k)[first + i];
    return {columns, transposed_.data(), basis_.diagonal.const_data_ptr<float>() + first,
            &basis_.levels};
  }

  void set_value(std::int64_t path, std::int64_t column, std::int64_t row, float value) {
    const std::int64_t at = column * strip_width + row;
    values_[path][at] = value;
    errors_[path][at] = strip_.weights[(settled_ + column) * strip_width + row] - value;
  }

  /// The window of a row as its surviving paths see it.
  void continue_ancestors(std::int64_t row, std::int64_t window) {
    const RowPaths& paths = work_;
    for (Chunk& chunk : window_) {
      std::vector<std::int32_t>& end = chunk.ends;
      std::vector<std::int32_t> next(paths.count);
      for (std::int64_t p = 0; p < paths.count; ++p)
        next[p] = end[row * basis_.paths + paths.ancestor[p]];
      std::copy(next.begin(), next.end(), end.begin() + row * basis_.paths);
    }
    bool same = true;
    for (std::int64_t p = 0; p < paths.count; ++p)
      same = same && paths.ancestor[p] == p;
    if (same)
      return;
    std::vector<float> old(basis_.paths);
    for (std::int64_t c = 0; c < window; ++c) {
      for (std::int64_t p = 0; p < paths.count; ++p)
        old[p] = values_[paths.ancestor[p]][c * strip_width + row];
      for (std::int64_t p = 0; p < paths.count; ++p)
        set_value(p, c, row, old[p]);
    }
  }

  /// After a chunk every path is its own end; later ones say which of them survive.
  void remember_ends(std::int64_t columns) {
    std::vector<std::int32_t> ends(strip_width * basis_.paths);
    for (std::int64_t r = 0; r < strip_width; ++r)
      std::iota(ends.begin() + r * basis_.paths, ends.begin() + (r + 1) * basis_.paths, 0);
    window_.push_back({columns, std::move(ends)});
  }

  bool agrees(const std::vector<std::int32_t>& ends) const {
    for (std::int64_t r = 0; r < strip_.count; ++r) {
      const auto begin = ends.begin() + r * basis_.paths;
      if (std::any_of(begin, begin + rows_[r].count, [&](std::int32_t e) { return e != *begin; }))
        return false;
    }
    return true;
  }

  /// Moves the blocks on which all paths of all rows agree from the window into the strip.
  void settle() {
    std::size_t chunks = 0;
    std::int64_t columns = 0;
    for (; chunks < window_.size() && agrees(window_[chunks].ends); ++chunks)
      columns += window_[chunks].columns;
    if (chunks == 0)
      return;
    store(columns);
    window_.erase(window_.begin(), window_.begin() + static_cast<std::ptrdiff_t>(chunks));
    for (std::int64_t p = 0; p < basis_.paths; ++p) {
      values_[p].erase(values_[p].begin(), values_[p].begin() + columns * strip_width);
      errors_[p].erase(errors_[p].begin(), errors_[p].begin() + columns * strip_width);
    }
    settled_ += columns;
  }

  /// Writes the cheapest path's first columns of the window into the strip.
  void store(std::int64_t columns) {
    const std::int64_t offset = settled_ * strip_width;
    std::copy_n(values_[0].begin(), columns * strip_width, &strip_.values[offset]);
    std::copy_n(errors_[0].begin(), columns * strip_width, &strip_.errors[offset]);
  }

  const Basis& basis_;
  RowStrip& strip_;
  RowPaths work_; // of the row in hand
  std::vector<PathEnds> rows_;
  std::int64_t settled_ = 0;
  std::vector<std::vector<float>> values_, errors_; // of each path: [window, strip_width]
  std::vector<Chunk> window_;
  std::vector<float> transposed_;
};

} // namespace

BabaiResult kbest(const Tensor& weights, const Tensor& l, const ElementGrid& grid,
                  std::int64_t paths, const BabaiOptions& options, const ChooseSteps& choose) {
  check(paths, options);
  const Basis basis(l, grid, paths, options, choose);
  return for_row_strips(weights, [&](RowStrip& strip) { StripSearch(basis, strip).run(); });
}

} // namespace latticelens
