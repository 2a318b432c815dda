#include "tensor/gguf_rows.h"

#include "core/error.h"
#include "kernels/narrow_floats.h"
#include "tensor/gguf_blocks.h"
#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <algorithm>

namespace latticelens {
namespace {

constexpr std::int64_t values_per_task = 1 << 14; // fp32 values and their copy fit into a cache

/// Without a copy where it can be.
Tensor narrow_or_fp32(const Tensor& rows) {
  const bool known = rows.scalar_type() == at::kBFloat16 || rows.scalar_type() == at::kHalf;
  return (known ? rows : rows.to(at::kFloat)).contiguous();
}

/// The rows, cut so that the pieces depend on their shape only.
class Pieces {
 public:
  Pieces(const BlockType& type, const Tensor& rows)
      : type_(type), rows_(narrow_or_fp32(rows)),
        width_(rows.numel() / std::max<std::int64_t>(rows.size(0), 1)),
        rows_per_piece_(
            std::max<std::int64_t>(values_per_task / std::max<std::int64_t>(width_, 1), 1)) {
    require(width_ % static_cast<std::int64_t>(type.values) == 0, "gguf",
            "rows of " + std::to_string(width_) + " values are no whole blocks of " + type.name);
  }
  std::int64_t count() const { return (rows_.size(0) + rows_per_piece_ - 1) / rows_per_piece_; }
  std::size_t bytes() const {
    return static_cast<std::size_t>(rows_.numel()) / type_.values * type_.bytes;
  }
  /// The fp32 values of a piece; `room` is for those that are stored otherwise.
  std::span<const float> values(std::int64_t piece, std::vector<float>& room) const {
    const auto [first, length] = place(piece);
    const auto* from =
        static_cast<const std::byte*>(rows_.const_data_ptr()) + first * rows_.element_size();
    const auto count = static_cast<std::size_t>(length);
    if (rows_.scalar_type() == at::kFloat)
      return {reinterpret_cast<const float*>(from), count};
    room.resize(count);
    widen(from, room);
    return room;
  }
  template<class Byte>
  std::span<Byte> blocks(std::int64_t piece, std::span<Byte> all) const {
    const auto [first, length] = place(piece);
    return all.subspan(static_cast<std::size_t>(first) / type_.values * type_.bytes,
                       static_cast<std::size_t>(length) / type_.values * type_.bytes);
  }

 private:
  std::pair<std::int64_t, std::int64_t> place(std::int64_t piece) const {
    const std::int64_t row = piece * rows_per_piece_,
                       rows = std::min(rows_per_piece_, rows_.size(0) - row);
    return {row * width_, rows * width_};
  }
  void widen(const std::byte* from, std::vector<float>& to) const {
    const auto* halves = reinterpret_cast<const std::uint16_t*>(from);
    if (rows_.scalar_type() == at::kBFloat16)
      widen_bf16({halves, to.size()}, to);
    else
      widen_half({halves, to.size()}, to);
  }

  const BlockType& type_;
  Tensor rows_;
  std::int64_t width_, rows_per_piece_;
};

/// What a thread needs for one piece.
struct Room {
  std::vector<float> values, decoded;
};

EncodingError compare_piece(const BlockType& type, std::span<const float> values,
                            std::span<const std::byte> blocks, Room& room) {
  room.decoded.resize(values.size());
  type.decode(blocks, room.decoded);
  const SquareSums sums = square_sums(values, room.decoded);
  return {sums.difference, sums.energy};
}

/// Calls work(piece, room) on all threads.
template<class Work>
void for_each_piece(std::int64_t count, const Work& work) {
  at::parallel_for(0, count, 1, [&](std::int64_t begin, std::int64_t end) {
    Room room;
    for (std::int64_t piece = begin; piece < end; ++piece)
      work(piece, room);
  });
}

EncodingError sum_of(const std::vector<EncodingError>& errors) {
  EncodingError sum;
  for (const EncodingError& error : errors)
    sum += error;
  return sum;
}

void require_encoder(const BlockType& type) {
  require(type.encode, "gguf", std::string(type.name) + ": is only read, not written");
}

} // namespace

EncodingError& EncodingError::operator+=(const EncodingError& other) {
  error += other.error;
  energy += other.energy;
  return *this;
}

void encode_rows(const BlockType& type, const Tensor& rows, std::vector<std::byte>& blocks) {
  require_encoder(type);
  const Pieces pieces(type, rows);
  blocks.resize(pieces.bytes());
  for_each_piece(pieces.count(), [&](std::int64_t piece, Room& room) {
    type.encode(pieces.values(piece, room.values), {}, pieces.blocks(piece, std::span(blocks)));
  });
}

EncodingError encoding_error(const BlockType& type, const Tensor& rows,
                             std::span<const std::byte> blocks) {
  const Pieces pieces(type, rows);
  require(blocks.size() == pieces.bytes(), "gguf", "blocks and rows do not fit together");
  std::vector<EncodingError> errors(static_cast<std::size_t>(pieces.count()));
  for_each_piece(pieces.count(), [&](std::int64_t piece, Room& room) {
    errors[static_cast<std::size_t>(piece)] =
        compare_piece(type, pieces.values(piece, room.values), pieces.blocks(piece, blocks), room);
  });
  return sum_of(errors);
}

EncodingError encode_and_compare(const BlockType& type, const Tensor& rows,
                                 std::vector<std::byte>& blocks) {
  require_encoder(type);
  const Pieces pieces(type, rows);
  blocks.resize(pieces.bytes());
  std::vector<EncodingError> errors(static_cast<std::size_t>(pieces.count()));
  for_each_piece(pieces.count(), [&](std::int64_t piece, Room& room) {
    const std::span<const float> values = pieces.values(piece, room.values);
    const std::span<std::byte> own = pieces.blocks(piece, std::span(blocks));
    type.encode(values, {}, own);
    errors[static_cast<std::size_t>(piece)] = compare_piece(type, values, own, room);
  });
  return sum_of(errors);
}

} // namespace latticelens
