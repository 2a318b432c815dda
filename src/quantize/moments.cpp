#include "quantize/moments.h"

#include "core/error.h"
#include "tensor/gram.h"
#include "tensor/total.h"
#include <ATen/ATen.h>

namespace latticelens {
namespace {

Tensor zeros(std::int64_t width) {
  return at::zeros({width, width}, at::kDouble);
}

Tensor whole(const Tensor& lower) {
  const Tensor triangle = lower.tril();
  return triangle + triangle.tril(-1).t();
}

Moments finished(Moments sums) {
  sums.gram = whole(sums.gram);
  if (sums.original.defined())
    sums.original = whole(sums.original);
  return sums;
}

void add_product_to(Tensor& sum, const Tensor& a, const Tensor& b) {
  if (!sum.defined())
    sum = at::zeros({a.size(1), b.size(1)}, at::kDouble);
  sum.add_(at::matmul(a.t(), b));
}

} // namespace

MomentsCollector::MomentsCollector(std::int64_t width) : width_(width) {}

void MomentsCollector::add(const Tensor& x, const Tensor& original, const Tensor& drift,
                           bool held_out) {
  if (x.numel() == 0)
    return;
  Moments& sums = held_out ? held_out_ : fitted_;
  if (!sums.gram.defined())
    sums.gram = zeros(width_);
  const Tensor rows = x.reshape({-1, width_}).to(at::kFloat);
  add_gram(rows, sums.gram);
  sums.samples += rows.size(0);
  if (!original.defined())
    return;
  if (!sums.original.defined())
    sums.original = zeros(width_);
  const Tensor wanted = original.reshape({-1, width_}).to(at::kFloat);
  add_product_to(sums.cross, rows, wanted);
  add_gram(wanted, sums.original);
  if (!drift.defined())
    return;
  const Tensor behind = drift.reshape({-1, drift.size(-1)}).to(at::kFloat);
  add_product_to(sums.drift, rows, behind);
  add_product_to(sums.original_drift, wanted, behind);
  sums.drift_energy += total(behind.square());
}

std::int64_t MomentsCollector::samples() const {
  return fitted_.samples > 0 ? fitted_.samples + held_out_.samples : 0;
}

Moments MomentsCollector::finish(const std::string& where) const {
  require(fitted_.samples > 0, "moments", where + ": no calibration token reached this layer");
  Moments moments = finished(fitted_);
  if (held_out_.samples > 0) {
    const auto judging = std::make_shared<Moments>(finished(held_out_));
    moments = sum(moments, *judging);
    moments.held_out = judging;
  }
  require(std::isfinite(moments.gram.diagonal().sum().item<double>()), "moments",
          where +
              ": NaN or infinite activations; the calibration text drives this model out of range");
  return moments;
}

} // namespace latticelens
