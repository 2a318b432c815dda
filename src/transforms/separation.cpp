#include "transforms/separation.h"

#include "core/error.h"
#include "tensor/linear.h"
#include "tensor/single_thread.h"
#include "transforms/cayley.h"
#include "transforms/orthogonal.h"
#include <ATen/ATen.h>
#include <cmath>
#include <numbers>

namespace latticelens {
namespace {

constexpr double first_decay = 0.9, second_decay = 0.95;
constexpr double smallest_norm = 1e-30; // a coordinate without gradient does not move

/// Of M R, the blocks' traces tr(R_bᵀ M R_b): [blocks] fp32.
Tensor block_traces(const Tensor& rotation, const Tensor& product, std::int64_t size) {
  return (rotation * product).t().contiguous().view({-1, size * rotation.size(0)}).sum(1);
}

/// A number a block as one a column: [n].
Tensor by_column(const Tensor& blocks, std::int64_t size) {
  return blocks.repeat_interleave(size);
}

/// Adam's direction on the skew matrices at a rotation, with zero rows and columns for what stays.
class SkewAdam {
 public:
  explicit SkewAdam(const Tensor& moving /*[n] fp64*/)
      : mask_(moving.unsqueeze(0) * moving.unsqueeze(1)), first_(at::zeros_like(mask_)),
        second_(at::zeros_like(mask_)) {}

  /// gradient: by the skew matrix S, fp64.
  Tensor direction(const Tensor& gradient) {
    ++steps_;
    const Tensor g = gradient * mask_;
    first_.mul_(first_decay).add_(g, 1 - first_decay);
    second_.mul_(second_decay).addcmul_(g, g, 1 - second_decay);
    const double unbiased = 1 / (1 - std::pow(second_decay, steps_));
    return first_ / (1 - std::pow(first_decay, steps_)) /
           (second_ * unbiased).sqrt().clamp_min(smallest_norm);
  }

 private:
  Tensor mask_, first_, second_;
  std::int64_t steps_ = 0;
};

} // namespace

Separation separation_at(const std::vector<StreamReader>& readers, const Tensor& rotation,
                         std::int64_t size) {
  const Tensor r = rotation.to(at::kFloat);
  const StripMatrix columns(r.t());
  Separation result{0, at::zeros_like(r)};
  for (const StreamReader& reader : readers) {
    const Tensor inputs = linear_of(reader.inputs, columns, {}),
                 weights = linear_of(reader.weights, columns, {}),
                 energy = block_traces(r, inputs, size), effect = block_traces(r, weights, size);
    result.loss += (energy.to(at::kDouble) * effect).sum().item<double>() / size;
    result.gradient.addcmul_(inputs, by_column(effect, size), 2.0 / size);
    result.gradient.addcmul_(weights, by_column(energy, size), 2.0 / size);
  }
  return result;
}

Tensor separate(const std::vector<StreamReader>& readers, const Tensor& kept, std::int64_t size,
                const SeparationSteps& steps) {
  const std::int64_t n = kept.numel();
  const SingleThreadMkl one_thread; // the same bytes at any number of threads
  Tensor rotation = at::eye(n, at::kDouble);
  SkewAdam adam(kept.logical_not().to(at::kDouble));
  const double rate = steps.rate / std::sqrt(static_cast<double>(n));
  for (std::int64_t step = 0; step < steps.count; ++step) {
    const Separation here = separation_at(readers, rotation, size);
    require(std::isfinite(here.loss), "transform",
            "the moments of the stream's readers are not finite; the calibration text drives this "
            "model out of range");
    const Tensor product = at::mm(rotation.t(), here.gradient.to(at::kDouble)),
                 direction = adam.direction((product - product.t()) / 2);
    const double part = static_cast<double>(step) / static_cast<double>(steps.count),
                 length = rate * (1 + std::cos(std::numbers::pi * part)) / 2;
    // Adam's quotients of a skew matrix are skew but for their last bits.
    const Tensor skew = length * (direction - direction.t()) / 2;
    rotation = at::mm(rotation, cayley(skew.unsqueeze(0))[0]);
    if (steps.each)
      steps.each(here.loss);
  }
  return nearest_orthogonal(rotation.unsqueeze(0))[0];
}

namespace reference {

double separation_loss(const std::vector<StreamReader>& readers, const Tensor& rotation,
                       std::int64_t size) {
  const SingleThreadMkl one_thread;
  double loss = 0;
  for (const StreamReader& reader : readers)
    for (const Tensor& block : rotation.to(at::kDouble).split(size, 1)) {
      const auto trace = [&](const Tensor& moments) {
        return at::mm(block.t(), at::mm(moments.to(at::kDouble), block)).trace().item<double>();
      };
      loss += trace(reader.inputs) * trace(reader.weights) / static_cast<double>(size);
    }
  return loss;
}

} // namespace reference
} // namespace latticelens
