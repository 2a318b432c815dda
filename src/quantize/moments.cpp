#include "quantize/moments.h"

#include "core/error.h"
#include "tensor/gram.h"
#include <ATen/ATen.h>

namespace latticelens {

MomentsCollector::MomentsCollector(std::int64_t width)
    : gram_(at::zeros({width, width}, at::kDouble)) {}

void MomentsCollector::add(const Tensor& x) {
  const Tensor rows = x.reshape({-1, gram_.size(0)}).to(at::kFloat);
  add_gram(rows, gram_);
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
