#include "quantize/moments.h"

#include "core/error.h"
#include "tensor/gram.h"
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

Moments sum(const Moments& a, const Moments& b) {
  Moments both{a.gram + b.gram, a.samples + b.samples, {}, {}, nullptr};
  if (a.cross.defined()) {
    both.cross = a.cross + b.cross;
    both.original = a.original + b.original;
  }
  return both;
}

} // namespace

MomentsCollector::MomentsCollector(std::int64_t width) : width_(width) {}

void MomentsCollector::add(const Tensor& x, const Tensor& original, bool held_out) {
  Sums& sums = held_out ? held_out_ : fitted_;
  if (!sums.gram.defined())
    sums.gram = zeros(width_);
  const Tensor rows = x.reshape({-1, width_}).to(at::kFloat);
  add_gram(rows, sums.gram);
  sums.samples += rows.size(0);
  if (!original.defined())
    return;
  if (!sums.cross.defined()) {
    sums.cross = zeros(width_);
    sums.original = zeros(width_);
  }
  const Tensor wanted = original.reshape({-1, width_}).to(at::kFloat);
  sums.cross.add_(at::matmul(rows.t(), wanted));
  add_gram(wanted, sums.original);
}

Moments MomentsCollector::Sums::finish() const {
  Moments moments{whole(gram), samples, {}, {}, nullptr};
  if (cross.defined()) {
    moments.cross = cross;
    moments.original = whole(original);
  }
  return moments;
}

Moments MomentsCollector::finish(const std::string& where) const {
  require(fitted_.samples > 0, "moments", where + ": no calibration token reached this layer");
  Moments moments = fitted_.finish();
  if (held_out_.samples > 0) {
    const auto judging = std::make_shared<Moments>(held_out_.finish());
    moments = sum(moments, *judging);
    moments.held_out = judging;
  }
  require(std::isfinite(moments.gram.diagonal().sum().item<double>()), "moments",
          where +
              ": NaN or infinite activations; the calibration text drives this model out of range");
  return moments;
}

} // namespace latticelens
