#include "lattice/streamed_ql.h"

#include "core/error.h"
#include "tensor/single_thread.h"
#include <ATen/ATen.h>
#include <cmath>

namespace latticelens {
namespace {

Tensor triangle_of(const Tensor& rows) {
  const SingleThreadMkl one_thread;
  return std::get<1>(at::linalg_qr(rows, "r"));
}

} // namespace

StreamedQl::StreamedQl(std::int64_t width)
    : width_(width), r_(at::zeros({0, width}, at::kDouble)),
      squares_(at::zeros({width}, at::kDouble)) {}

void StreamedQl::add(const Tensor& x) {
  const Tensor rows = x.reshape({-1, width_}).to(at::kDouble);
  squares_ = squares_ + rows.square().sum(0);
  r_ = triangle_of(at::cat({r_, rows}));
}

// QL is QR of the reversed columns, and R of the columns in one order gives that of any other.
Tensor StreamedQl::finish(double lambda, const Order& order, const std::string& where) const {
  require(std::isfinite(squares_.sum().item<double>()), "lattice",
          where + ": the inputs are not finite; the activations overflowed");
  const Tensor appended = at::cat({r_, std::sqrt(lambda) * at::eye(width_, at::kDouble)});
  const Tensor ordered =
      order.empty() ? appended : appended.index_select(1, at::tensor(order, at::kLong));
  const Tensor r = triangle_of(ordered.flip(1).contiguous());
  const Tensor signs = at::where(r.diagonal() < 0, -1.0, 1.0).to(at::kDouble);
  const Tensor l = (r * signs.unsqueeze(1)).flip({0, 1}).contiguous();
  require((l.diagonal() > 0).all().item<bool>(), "lattice",
          where + ": the inputs span no lattice of full rank; raise the damping or calibrate with "
                  "more text");
  return l;
}

} // namespace latticelens
