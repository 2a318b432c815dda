#include "quantize/moments.h"

#include "core/error.h"
#include <ATen/ATen.h>

namespace latticelens {
namespace {

constexpr std::int64_t panel = 192; // columns of the lower triangle that are one matrix product

} // namespace

MomentsCollector::MomentsCollector(std::int64_t width)
    : gram_(at::zeros({width, width}, at::kDouble)) {}

void MomentsCollector::add(const Tensor& x) {
  const std::int64_t width = gram_.size(0);
  const Tensor rows = x.reshape({-1, width}).to(at::kFloat);
  for (std::int64_t first = 0; first < width; first += panel) {
    const std::int64_t last = std::min(first + panel, width);
    const Tensor product = at::matmul(rows.slice(1, first, last).t(), rows.slice(1, 0, last));
    gram_.slice(0, first, last).slice(1, 0, last).add_(product);
  }
  samples_ += rows.size(0);
}

Moments MomentsCollector::finish(const std::string& where) const {
  require(samples_ > 0, "moments", where + ": no calibration token reached this layer");
  const Tensor lower = gram_.tril(), whole = lower + lower.tril(-1).t();
  require(std::isfinite(whole.diagonal().sum().item<double>()), "moments",
          where +
              ": NaN or infinite activations; the calibration text drives this model out of range");
  return {whole, samples_};
}

} // namespace latticelens
