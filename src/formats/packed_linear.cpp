#include "formats/packed_linear.h"

#include "core/error.h"
#include "kernels/packed_strip.h"
#include "tensor/strip_output.h"
#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <algorithm>
#include <array>
#include <atomic>
#include <cmath>
#include <cstring>

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

constexpr std::uint8_t largest_scale_byte = 127 + 2; // E8M0 of largest_weight_scale
static_assert(largest_weight_scale == 4);

/// Of every byte, its two codes as encoded rows have them.
constexpr auto encoded_pairs = [] {
  std::array<std::array<std::uint8_t, 2>, 256> pairs{};
  constexpr int doubled[] = {0, 1, 2, 3, 4, 6, 8, 12};
  for (int byte = 0; byte < 256; ++byte)
    for (int i = 0; i < 2; ++i) {
      const int code = byte >> (4 * i) & 15, value = doubled[code & 7];
      pairs[byte][i] = static_cast<std::uint8_t>(encoded_zero + (code & 8 ? -value : value));
    }
  return pairs;
}();

/// Codes of four bits, two in a byte, and an E8M0 byte a block.
void encode_stored_row(const std::uint8_t* codes, std::span<const std::uint8_t> scales,
                       std::uint8_t* to) {
  for (std::size_t i = 0; i < scales.size() * e2m1_block / 2; ++i, to += 2)
    std::memcpy(to, encoded_pairs[codes[i]].data(), 2);
  for (std::size_t b = 0; b < scales.size(); ++b, to += 4) {
    const float scale = std::ldexp(1.0f, scales[b] - 127);
    std::memcpy(to, &scale, 4);
  }
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

std::optional<PackedMatrix> PackedMatrix::of(const LoadPart& stored) {
  const Tensor codes = stored("_packed"), scales = stored("_scale");
  for (const Tensor& part : {codes, scales})
    if (!part.defined() || part.dim() != 2 || part.scalar_type() != at::kByte || part.numel() == 0)
      return std::nullopt;
  const std::int64_t blocks = scales.size(1), code_bytes = codes.size(1);
  if (codes.size(0) != scales.size(0) || code_bytes * 2 != blocks * e2m1_block)
    return std::nullopt;
  const Tensor code_rows = codes.contiguous(), scale_rows = scales.contiguous();
  const auto *code = code_rows.const_data_ptr<std::uint8_t>(),
             *scale = scale_rows.const_data_ptr<std::uint8_t>();
  if (*std::max_element(scale, scale + scales.numel()) > largest_scale_byte)
    return std::nullopt;
  PackedMatrix packed(codes.size(0), code_bytes * 2);
  at::parallel_for(0, packed.count(), 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t s = begin; s < end; ++s)
      packed.pack_stored(code, scale, s);
  });
  return packed;
}

void PackedMatrix::pack_stored(const std::uint8_t* codes, const std::uint8_t* scales,
                               std::int64_t s) {
  const std::int64_t first = s * e2m1_strip_rows, blocks = columns_ / e2m1_block,
                     row = encoded_bytes(columns_), rows = std::min(e2m1_strip_rows, rows_ - first);
  std::vector<std::uint8_t> encoded(rows * row);
  for (std::int64_t i = 0; i < rows; ++i)
    encode_stored_row(codes + (first + i) * columns_ / 2,
                      {scales + (first + i) * blocks, static_cast<std::size_t>(blocks)},
                      &encoded[i * row]);
  pack_strip(encoded.data(), rows, columns_,
             strips_.mutable_data_ptr<std::uint8_t>() + s * strip_bytes(columns_));
}

Tensor PackedMatrix::values() const {
  Tensor values = at::empty({rows_, columns_}, at::kFloat);
  float* to = values.mutable_data_ptr<float>();
  at::parallel_for(0, rows_, 16, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i)
      unpack_row(strip(i / e2m1_strip_rows), i % e2m1_strip_rows,
                 {to + i * columns_, static_cast<std::size_t>(columns_)});
  });
  return values;
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
