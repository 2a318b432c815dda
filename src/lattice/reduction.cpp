#include "lattice/reduction.h"

#include "core/error.h"
#include "lattice/reduction_segment.h"
#include "tensor/single_thread.h"
#include <ATen/ATen.h>
#include <algorithm>
#include <cmath>

namespace latticelens {
namespace {

constexpr std::int64_t segment_size = 2 * deepest_insertion; // any window of that depth is in one
constexpr std::int64_t most_passes = 10000, most_refreshes = 50, passes_between_sizes = 4;
constexpr double largest_exact = 9007199254740992.0; // 2^53

/// The basis as R upper triangular with the first vector first, and T in fp64: exact integers.
class Basis {
 public:
  Basis(const Tensor& l, const ReductionOptions& options, const std::string& where)
      : original_(l.flip({0, 1}).contiguous()), r_(original_.clone()), n_(l.size(0)),
        transform_(at::eye(n_, at::kDouble)), options_(options), where_(where) {}

  void reduce() {
    for (int refresh = 0; refresh < most_refreshes; ++refresh) {
      swap_until_still();
      reduce_sizes();
      const double drift = refresh_basis();
      if (!has_fault(r_) && drift < 1e-3)
        return;
    }
    throw Error("reduction", where_ + ": rounding errors do not settle; raise the damping");
  }

  Reduction result() const {
    return {transform_.flip({0, 1}).to(at::kLong).contiguous(), r_.flip({0, 1}).contiguous(),
            insertions_, passes_};
  }

 private:
  bool has_fault(const Tensor& r) const {
    // Rounding errors of the sizes are of this order after the last refresh.
    return why_not_reduced(r.flip({0, 1}), {options_.delta - 1e-9, options_.depth}, 0.5 + 1e-7)
        .has_value();
  }

  void swap_until_still() {
    for (bool changed = true; changed;) {
      require(passes_ < most_passes, "reduction",
              where_ + ": no end after " + std::to_string(most_passes) + " passes; lower delta");
      if (++passes_ % passes_between_sizes == 0)
        reduce_sizes(); // else what is put off grows with the insertions
      changed = false;
      const std::int64_t before = insertions_;
      for (const std::int64_t offset : {std::int64_t{0}, segment_size / 2})
        for (std::int64_t first = offset; first + 1 < n_; first += segment_size)
          changed = reduce_segment_at(first, std::min(segment_size, n_ - first)) || changed;
      if (options_.progress)
        options_.progress(insertions_ - before);
    }
  }

  bool reduce_segment_at(std::int64_t first, std::int64_t size) {
    Segment segment(size);
    const double* r = r_.const_data_ptr<double>();
    for (std::int64_t j = 0; j < size; ++j)
      for (std::int64_t i = 0; i <= j; ++i)
        segment.at(segment.r, i, j) = r[(first + i) * n_ + first + j];
    reduce_segment(segment, options_.delta, options_.depth);
    if (segment.insertions == 0) // sizes alone can wait
      return false;
    insertions_ += segment.insertions;
    apply(segment, first);
    return true;
  }

  void apply(Segment& segment, std::int64_t first) {
    const SingleThreadMkl one_thread;
    const std::int64_t last = first + segment.size;
    const auto matrix = [&](std::vector<double>& values) { // column-major: the transpose
      return at::from_blob(values.data(), {segment.size, segment.size}, at::kDouble).t();
    };
    const Tensor u = matrix(segment.u);
    Tensor above = r_.slice(0, 0, first).slice(1, first, last);
    above.copy_(at::matmul(above, u));
    r_.slice(0, first, last).slice(1, first, last).copy_(matrix(segment.r).triu());
    Tensor right = r_.slice(0, first, last).slice(1, last);
    right.copy_(at::matmul(matrix(segment.q).t(), right));
    Tensor columns = transform_.slice(1, first, last);
    check_exact(columns, u);
    columns.copy_(at::matmul(columns, u));
  }

  /// A product of integers is exact in fp64 as long as no partial sum passes 2^53.
  void check_exact(const Tensor& a, const Tensor& b) const {
    if (a.numel() == 0 || b.numel() == 0)
      return;
    const double largest =
        (a.abs().max() * b.abs().sum(0).max()).item<double>() + a.abs().max().item<double>();
    require(largest < largest_exact, "reduction",
            where_ + ": entries of T pass 2^53; the basis is too steep, raise the damping");
  }

  /// |r_jk| <= r_jj / 2 for all j < k, in blocks: what a block of rows takes away is one product.
  void reduce_sizes() {
    const SingleThreadMkl one_thread;
    for (std::int64_t first = 0; first < n_; first += segment_size) {
      const std::int64_t columns = std::min(segment_size, n_ - first);
      for (std::int64_t row = first; row >= 0; row -= segment_size)
        reduce_sizes_of(row, std::min(segment_size, n_ - row), first, columns);
    }
  }

  void reduce_sizes_of(std::int64_t row, std::int64_t rows, std::int64_t first,
                       std::int64_t columns) {
    Tensor times = at::zeros({rows, columns}, at::kDouble);
    bool any = false;
    for (std::int64_t k = 0; k < columns; ++k)
      any = reduce_column(row, std::min(rows, first + k - row), first + k,
                          times.mutable_data_ptr<double>() + k, columns, row == first) ||
            any;
    if (!any || row == first) // its own block reduces column by column, everywhere at once
      return;
    Tensor to = r_.slice(0, 0, row).slice(1, first, first + columns);
    to.sub_(at::matmul(r_.slice(0, 0, row).slice(1, row, row + rows), times));
    subtract_from_transform(row, rows, first, columns, times);
  }

  void subtract_from_transform(std::int64_t row, std::int64_t rows, std::int64_t first,
                               std::int64_t columns, const Tensor& times) {
    const Tensor from = transform_.slice(1, row, row + rows);
    Tensor target = transform_.slice(1, first, first + columns);
    check_exact(from, times);
    target.sub_(at::matmul(from, times));
    require(target.abs().max().item<double>() < largest_exact, "reduction",
            where_ + ": entries of T pass 2^53; the basis is too steep, raise the damping");
  }

  /// Column k against the vectors row .. row + count - 1, from the last one. `whole`: the rows
  /// above and T follow at once, else only the rows of the block, and `times` [count] remembers.
  bool reduce_column(std::int64_t row, std::int64_t count, std::int64_t k, double* times,
                     std::int64_t stride, bool whole) {
    double* r = r_.mutable_data_ptr<double>();
    double* t = transform_.mutable_data_ptr<double>();
    bool any = false;
    for (std::int64_t j = row + count - 1; j >= row; --j) {
      const double q = std::nearbyint(r[j * n_ + k] / r[j * n_ + j]);
      if (q == 0)
        continue;
      any = true;
      for (std::int64_t i = whole ? 0 : row; i <= j; ++i)
        r[i * n_ + k] -= q * r[i * n_ + j];
      if (!whole) {
        times[(j - row) * stride] = q;
        continue;
      }
      for (std::int64_t i = 0; i < n_; ++i) {
        t[i * n_ + k] -= q * t[i * n_ + j];
        require(std::fabs(t[i * n_ + k]) < largest_exact, "reduction",
                where_ + ": entries of T pass 2^53; the basis is too steep, raise the damping");
      }
    }
    return any;
  }

  /// R anew from the exact T; how far it had drifted, relative to its diagonal.
  double refresh_basis() {
    const SingleThreadMkl one_thread;
    const auto [q, fresh] = at::linalg_qr(at::matmul(original_, transform_), "r");
    const Tensor signs = at::where(fresh.diagonal() < 0, -1.0, 1.0).to(at::kDouble);
    const Tensor positive = (fresh * signs.unsqueeze(1)).contiguous();
    const double drift = ((positive - r_).abs().amax(1) / positive.diagonal()).max().item<double>();
    r_ = positive;
    return drift;
  }

  Tensor original_, r_;
  std::int64_t n_;
  Tensor transform_;
  const ReductionOptions& options_;
  const std::string& where_;
  std::int64_t insertions_ = 0, passes_ = 0;
};

std::string place(std::int64_t i) {
  return std::to_string(i);
}

} // namespace

Reduction reduce_basis(const Tensor& l, const ReductionOptions& options, const std::string& where) {
  require(options.delta > 0.25 && options.delta < 1, "reduction",
          "delta must lie between 0.25 and 1; 0.99 is usual");
  require(options.depth >= 1 && options.depth <= deepest_insertion, "reduction",
          "depth must be 1 to " + std::to_string(deepest_insertion));
  Basis basis(l, options, where);
  basis.reduce();
  return basis.result();
}

std::optional<std::string> why_not_reduced(const Tensor& l, const ReductionOptions& options,
                                           double eta) {
  const Tensor r = l.flip({0, 1}).contiguous();
  const std::int64_t n = r.size(0);
  const double* data = r.const_data_ptr<double>();
  for (std::int64_t k = 0; k < n; ++k) {
    if (!(data[k * n + k] > 0))
      return "vector " + place(k) + " has no positive diagonal";
    for (std::int64_t j = 0; j < k; ++j)
      if (!(std::fabs(data[j * n + k]) <= eta * data[j * n + j]))
        return "vector " + place(k) + " is not size-reduced against vector " + place(j);
    double square = data[k * n + k] * data[k * n + k];
    for (std::int64_t i = k - 1; i >= std::max<std::int64_t>(0, k - options.depth); --i) {
      square += data[i * n + k] * data[i * n + k];
      if (options.delta * data[i * n + i] * data[i * n + i] > square)
        return "vector " + place(k) + " should be inserted before vector " + place(i);
    }
  }
  return std::nullopt;
}

} // namespace latticelens
