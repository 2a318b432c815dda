#include "transforms/hadamard.h"

#include "core/error.h"
#include "core/random.h"
#include "kernels/walsh_hadamard.h"
#include "transforms/hadamard_matrix.h"
#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <bit>

namespace latticelens {
namespace {

std::int64_t block_size(const TransformSpec& spec, const TransformPlace& place) {
  const std::int64_t size = spec.size > 0 ? spec.size : place.width;
  require(place.width % size == 0, "hadamard",
          "blocks of " + std::to_string(size) + " do not divide the width " +
              std::to_string(place.width) + " at " + to_text(spec));
  require(!hadamard_factors(size).empty(), "hadamard",
          "no Hadamard matrix of order " + std::to_string(size) + " can be constructed for " +
              to_text(spec) + "; use a block that is a power of two, as in hadamard:32@...");
  return size;
}

/// T = diag(signs) (I ⊗ H / sqrt(size)), H the Kronecker product of the factors.
class Hadamard : public Transform {
 public:
  Hadamard(std::int64_t size, Tensor signs) : size_(size), signs_(std::move(signs)) {
    for (const std::int64_t order : hadamard_factors(size))
      factors_.push_back(hadamard_matrix(order));
  }

  Tensor apply(const Tensor& x) const override {
    return multiply(signs_.defined() ? x * signs_.to(x.options()) : x, false);
  }
  Tensor invert(const Tensor& x) const override {
    const Tensor y = multiply(x, true);
    return signs_.defined() ? y * signs_.to(x.options()) : y;
  }

 private:
  Tensor multiply(const Tensor& x, bool transposed) const {
    const bool power_of_two = std::has_single_bit(static_cast<std::uint64_t>(size_));
    if (x.device().is_cpu() && x.scalar_type() == at::kFloat && power_of_two)
      return fast(x);
    return by_factors(x, transposed);
  }

  /// The obvious way: one matrix product a Kronecker factor.
  Tensor by_factors(const Tensor& x, bool transposed) const {
    Tensor y = x.contiguous();
    std::int64_t after = size_;
    for (const Tensor& factor : factors_) {
      const std::int64_t order = factor.size(0);
      after /= order;
      const Tensor matrix = (factor / std::sqrt(static_cast<double>(order))).to(x.options());
      const Tensor parts = y.reshape({-1, order, after});
      y = at::matmul(transposed ? matrix : matrix.t(), parts);
    }
    return y.reshape(x.sizes());
  }

  Tensor
  fast(const Tensor& x) const { // Sylvester matrices are symmetric: no transpose to tell apart
    Tensor y = x.clone(at::MemoryFormat::Contiguous);
    float* data = y.mutable_data_ptr<float>();
    const std::int64_t grain = std::max<std::int64_t>(1, (1 << 14) / size_);
    at::parallel_for(0, y.numel() / size_, grain, [&](std::int64_t begin, std::int64_t end) {
      walsh_hadamard({data + begin * size_, static_cast<std::size_t>((end - begin) * size_)},
                     size_);
    });
    return y;
  }

  std::int64_t size_;
  Tensor signs_;                // [width], or undefined: none
  std::vector<Tensor> factors_; // ±1, fp64
};

} // namespace

Tensor transform_signs(const TransformSpec& spec, const TransformPlace& place) {
  // One block's signs, repeated: the matrix of the block-rotation paper is one random block on the
  // whole diagonal.
  const std::int64_t size = block_size(spec, place);
  Random random(place.seed);
  Tensor signs = at::empty({size}, at::kDouble);
  for (std::int64_t i = 0; i < size; ++i)
    signs[i] = random.bit() ? 1.0 : -1.0;
  return signs.repeat({place.width / size});
}

std::unique_ptr<Transform> make_hadamard(const TransformSpec& spec, const TransformPlace& place) {
  const std::int64_t size = block_size(spec, place);
  return std::make_unique<Hadamard>(size,
                                    place.random_signs ? transform_signs(spec, place) : Tensor());
}

} // namespace latticelens
