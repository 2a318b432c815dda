#include "formats/packed_linear.h"

#include "core/error.h"
#include "tensor/strip_output.h"
#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <algorithm>
#include <atomic>

namespace latticelens {
namespace {

constexpr std::int64_t values_per_task = 1 << 14;

Tensor with_columns(const Tensor& like, std::int64_t columns, at::ScalarType type) {
  std::vector<std::int64_t> shape = like.sizes().vec();
  shape.back() = columns;
  return at::empty(shape, type);
}

/// `work(first, last)` on rows that are worth a thread.
template<class Work>
void for_rows(std::int64_t rows, std::int64_t columns, const Work& work) {
  at::parallel_for(0, rows, std::max<std::int64_t>(1, values_per_task / columns), work);
}

/// std::equal of whole blocks, without a branch for every value.
bool equal(const float* a, const float* b, std::int64_t count) {
  for (std::int64_t first = 0; first < count; first += e2m1_block) {
    int different = 0;
    for (std::int64_t i = first; i < first + e2m1_block; ++i)
      different |= a[i] != b[i];
    if (different)
      return false;
  }
  return true;
}

std::int64_t columns_of(const Tensor& encoded) {
  return encoded.size(-1) * e2m1_block / encoded_bytes(e2m1_block);
}

} // namespace

bool has_encoded_rows(const Format& format) {
  return format.block == e2m1_block && format.grid.mantissa_bits == 1 &&
         format.grid.minimum_exponent == 0 && format.grid.maximum == 6 && !format.rule.scale_grid &&
         !format.asymmetric_activations;
}

Tensor encode_rows(const Tensor& x, const Format& format, SnapCounts& counts,
                   const BlockTransform& transform) {
  const std::int64_t columns = x.size(-1), row = encoded_bytes(columns);
  require(columns % e2m1_block == 0, "format",
          "rows of " + std::to_string(columns) +
              " values are no multiple of the block of 32; choose a format with a smaller block");
  const Tensor values = x.to(at::kFloat).contiguous();
  Tensor encoded = with_columns(x, row, at::kByte);
  const float* from = values.const_data_ptr<float>();
  auto* to = encoded.mutable_data_ptr<std::uint8_t>();
  std::atomic<std::int64_t> clipped = 0, not_finite = 0;
  for_rows(values.numel() / columns, columns, [&](std::int64_t begin, std::int64_t end) {
    const SnapCounts seen = encode_rows(end - begin, columns, from + begin * columns, transform,
                                        format.rule, format.grid, to + begin * row);
    clipped += seen.clipped;
    not_finite += seen.not_finite;
  });
  counts += {clipped, not_finite};
  return encoded;
}

Tensor decode_rows(const Tensor& encoded) {
  const std::int64_t columns = columns_of(encoded), row = encoded.size(-1);
  const Tensor bytes = encoded.contiguous();
  Tensor values = with_columns(encoded, columns, at::kFloat);
  const auto* from = bytes.const_data_ptr<std::uint8_t>();
  float* to = values.mutable_data_ptr<float>();
  for_rows(bytes.numel() / row, columns, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i)
      decode_row(from + i * row, {to + i * columns, static_cast<std::size_t>(columns)});
  });
  return values;
}

PackedMatrix::PackedMatrix(std::int64_t rows, std::int64_t columns)
    : rows_(rows), columns_(columns),
      strips_(at::empty({(rows + e2m1_strip_rows - 1) / e2m1_strip_rows, strip_bytes(columns)},
                        at::kByte)) {}

/// Whether all values of the strip could be kept.
bool PackedMatrix::pack(const Tensor& weight, std::int64_t s) {
  const std::int64_t first = s * e2m1_strip_rows, row = encoded_bytes(columns_),
                     rows = std::min(e2m1_strip_rows, rows_ - first);
  std::vector<std::uint8_t> encoded(rows * row);
  std::vector<float> decoded(columns_);
  for (std::int64_t i = 0; i < rows; ++i) {
    const float* values = weight.const_data_ptr<float>() + (first + i) * columns_;
    std::uint8_t* to = &encoded[i * row];
    // Every scale that the values could have come from is a power of two times this one.
    encode_row({values, decoded.size()}, ScaleRule{}, ElementGrid{}, to);
    decode_row(to, decoded);
    const auto* scales = reinterpret_cast<const float*>(to + columns_);
    if (!equal(decoded.data(), values, columns_) ||
        *std::max_element(scales, scales + columns_ / e2m1_block) > largest_weight_scale)
      return false;
  }
  pack_strip(encoded.data(), rows, columns_,
             strips_.mutable_data_ptr<std::uint8_t>() + s * strip_bytes(columns_));
  return true;
}

std::optional<PackedMatrix> PackedMatrix::of(const Tensor& weight) {
  if (weight.dim() != 2 || weight.numel() == 0 || weight.size(1) % e2m1_block != 0)
    return std::nullopt;
  const Tensor values = weight.to(at::kFloat).contiguous();
  PackedMatrix packed(values.size(0), values.size(1));
  std::atomic<bool> exact = true;
  at::parallel_for(0, packed.count(), 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t s = begin; s < end && exact; ++s)
      if (!packed.pack(values, s))
        exact = false;
  });
  return exact ? std::optional(packed) : std::nullopt;
}

const std::uint8_t* PackedMatrix::strip(std::int64_t s) const {
  return strips_.const_data_ptr<std::uint8_t>() + s * strip_bytes(columns_);
}

Tensor linear_of(const Tensor& encoded, const PackedMatrix& weight, const Tensor& bias) {
  require(encoded.scalar_type() == at::kByte &&
              encoded.size(-1) == encoded_bytes(weight.columns()) &&
              (!bias.defined() || bias.numel() == weight.rows()),
          "linear",
          "encoded rows of " + std::to_string(columns_of(encoded)) +
              " columns for a packed weight of " + std::to_string(weight.columns()) +
              ", or a bias of another size; is the model whole?");
  const Tensor from = encoded.contiguous(),
               added = bias.defined() ? bias.to(at::kFloat).contiguous() : bias;
  Tensor y = with_columns(encoded, weight.rows(), at::kFloat);
  const std::int64_t columns = weight.columns(), row = from.size(-1);
  const auto* data = from.const_data_ptr<std::uint8_t>();
  const StripOutput output{y.mutable_data_ptr<float>(), from.numel() / row, weight.rows(),
                           e2m1_strip_rows,
                           added.defined() ? added.const_data_ptr<float>() : nullptr};
  output.run([&](std::int64_t s, std::int64_t first, std::int64_t count, const float* start,
                 float* to, std::int64_t stride) {
    packed_product(count, columns, data + first * row, weight.strip(s), start, to, stride);
  });
  return y;
}

} // namespace latticelens
