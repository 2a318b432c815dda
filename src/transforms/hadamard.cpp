#include "transforms/hadamard.h"

#include "core/error.h"
#include "core/random.h"
#include "kernels/walsh_hadamard.h"
#include "tensor/device.h"
#include "transforms/hadamard_matrix.h"
#include <ATen/ATen.h>
#include <ATen/Parallel.h>

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
      factors_.emplace_back(hadamard_matrix(order) / std::sqrt(static_cast<double>(order)));
    if (signs_.defined())
      single_signs_ = signs_.value().to(at::kFloat).contiguous();
  }

  Tensor apply(const Tensor& x) const override { return multiply(signed_of(x), false); }
  Tensor invert(const Tensor& x) const override { return signed_of(multiply(x, true)); }
  std::optional<BlockTransform> while_encoding(std::int64_t width) const override {
    if (size_ != e2m1_block || (signs_.defined() && single_signs_.numel() != width))
      return std::nullopt;
    return BlockTransform{.walsh_hadamard = true,
                          .signs =
                              signs_.defined() ? single_signs_.const_data_ptr<float>() : nullptr};
  }

 private:
  Tensor signed_of(const Tensor& x) const {
    return signs_.defined() ? x * signs_.beside(x).to(x.scalar_type()) : x;
  }

  Tensor multiply(const Tensor& x, bool transposed) const {
    if (!has_kernels(x) || x.scalar_type() != at::kFloat)
      return by_factors(x, transposed, factors_.size());
    return by_additions(by_factors(x, transposed, 1), size_ / factors_.front().value().size(0));
  }

  /// One matrix product for each of the first `count` Kronecker factors.
  Tensor by_factors(const Tensor& x, bool transposed, std::size_t count) const {
    Tensor y = x.contiguous(); // products of strided views are slow
    std::int64_t after = size_;
    for (std::size_t i = 0; i < count; ++i) {
      const std::int64_t order = factors_[i].value().size(0);
      after /= order;
      if (order == 1)
        continue;
      const Tensor scaled = factors_[i].beside(x).to(x.scalar_type()),
                   matrix = transposed ? scaled : scaled.t();
      // The last factor is one product: a batch of matrices with one column each is far slower.
      y = after == 1 ? at::matmul(y.reshape({-1, order}), matrix.t())
                     : at::matmul(matrix, y.reshape({-1, order, after}));
    }
    return y.reshape(x.sizes());
  }

  /// The factors after the first make one Sylvester matrix: symmetric, no transpose to tell apart.
  static Tensor by_additions(const Tensor& x, std::int64_t block) {
    Tensor y = x.clone(at::MemoryFormat::Contiguous);
    if (block == 1)
      return y;
    float* data = y.mutable_data_ptr<float>();
    const std::int64_t grain = std::max<std::int64_t>(1, (1 << 14) / block);
    at::parallel_for(0, y.numel() / block, grain, [&](std::int64_t begin, std::int64_t end) {
      walsh_hadamard({data + begin * block, static_cast<std::size_t>((end - begin) * block)},
                     block);
    });
    return y;
  }

  std::int64_t size_;
  Constant signs_;                // [width], or undefined: none
  Tensor single_signs_;           // in fp32
  std::vector<Constant> factors_; // orthogonal, fp64
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
