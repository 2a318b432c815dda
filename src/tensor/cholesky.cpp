#include "tensor/cholesky.h"

#include "kernels/product.h"
#include "tensor/single_thread.h"
#include <ATen/ATen.h>
#include <ATen/Parallel.h>

namespace latticelens {
namespace {

constexpr std::int64_t panel = strip_width;
constexpr std::int64_t rows_per_task = 64;

/// Lower factor of a diagonal block and its inverse; false when it is not positive definite.
struct DiagonalBlock {
  Tensor lower, inverse;
  bool positive = false;
};

DiagonalBlock factor_block(const Tensor& block) {
  const SingleThreadMkl one_thread;
  const auto [lower, info] = at::linalg_cholesky_ex(block);
  if (info.item<int>() != 0)
    return {};
  return {lower,
          at::linalg_solve_triangular(lower, at::eye(block.size(0), lower.options()),
                                      /*upper=*/false),
          true};
}

/// The transpose of `rows` [count, depth] as a strip [depth, strip_width], zero past `count`.
std::vector<double> strip_of(const double* rows, std::int64_t stride, std::int64_t count,
                             std::int64_t depth) {
  std::vector<double> strip(depth * strip_width);
  for (std::int64_t k = 0; k < depth; ++k)
    for (std::int64_t j = 0; j < count; ++j)
      strip[k * strip_width + j] = rows[j * stride + k];
  return strip;
}

/// One panel of columns of the factor: corrected by all columns before it, factored, and divided.
class Panel {
 public:
  Panel(double* a, std::int64_t n, std::int64_t first)
      : a_(a), n_(n), first_(first), count_(std::min(panel, n - first)),
        before_(strip_of(a + first * n, n, count_, first)) {}

  bool factor() {
    for_rows(0, [&](std::int64_t row, std::int64_t rows) { correct(row, rows); });
    const Tensor block = at::from_blob(at(first_), {count_, count_}, {n_, 1}, at::kDouble);
    const DiagonalBlock diagonal = factor_block(block);
    if (!diagonal.positive)
      return false;
    block.copy_(diagonal.lower);
    const auto inverse =
        strip_of(diagonal.inverse.contiguous().const_data_ptr<double>(), count_, count_, count_);
    for_rows(count_, [&](std::int64_t row, std::int64_t rows) { divide(row, rows, inverse); });
    return true;
  }

 private:
  double* at(std::int64_t row) const { return a_ + row * n_ + first_; }

  /// `work(row, rows)` for the rows from the panel's row `skip` on, in parallel.
  template<class Work>
  void for_rows(std::int64_t skip, const Work& work) const {
    const std::int64_t start = first_ + skip, rows = n_ - start;
    at::parallel_for(0, (rows + rows_per_task - 1) / rows_per_task, 1,
                     [&](std::int64_t begin, std::int64_t end) {
                       for (std::int64_t task = begin; task < end; ++task)
                         work(start + task * rows_per_task,
                              std::min(rows_per_task, rows - task * rows_per_task));
                     });
  }

  /// Rows of the panel as [rows, strip_width]: its last panel may be narrower than a strip.
  void correct(std::int64_t row, std::int64_t rows) const {
    std::vector<double> part(rows * strip_width);
    for (std::int64_t i = 0; i < rows; ++i)
      std::copy_n(at(row + i), count_, &part[i * strip_width]);
    subtract_product<double>(rows, first_, {a_ + row * n_, n_}, before_.data(), part.data(),
                             strip_width);
    for (std::int64_t i = 0; i < rows; ++i)
      std::copy_n(&part[i * strip_width], count_, at(row + i));
  }

  void divide(std::int64_t row, std::int64_t rows, const std::vector<double>& inverse) const {
    std::vector<double> part(rows * strip_width);
    add_product<double>(rows, count_, {at(row), n_}, inverse.data(), part.data(), strip_width);
    for (std::int64_t i = 0; i < rows; ++i)
      std::copy_n(&part[i * strip_width], count_, at(row + i));
  }

  double* a_;
  std::int64_t n_, first_, count_;
  std::vector<double> before_; // [first, strip_width]: the panel's own rows, transposed
};

} // namespace

// Left-looking: every element is one chain of sums, so the bytes are those of any number of
// threads. LAPACK sees only diagonal blocks, on one thread.
bool cholesky_in_place(Tensor& a) {
  const std::int64_t n = a.size(0);
  for (std::int64_t first = 0; first < n; first += panel)
    if (!Panel(a.mutable_data_ptr<double>(), n, first).factor())
      return false;
  return true;
}

} // namespace latticelens
