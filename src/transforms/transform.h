// An invertible change of basis of a vector space of activations: x [..., n] becomes x T.
#pragma once
#include "kernels/packed_encode.h"
#include "tensor/tensor.h"
#include "transforms/input_fit.h"
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace latticelens {

struct StreamReader; // transforms/separation.h
struct SeparationSteps;

/// A weight that reads x T becomes W T⁻ᵀ, which is W T again when T is orthogonal: the default.
class Transform {
 public:
  virtual ~Transform() = default;
  /// x T along the last dimension, any floating dtype.
  virtual Tensor apply(const Tensor& x) const = 0;
  /// x T⁻¹: undoes apply.
  virtual Tensor invert(const Tensor& x) const = 0;
  /// W T⁻ᵀ, and back.
  virtual Tensor apply_to_weight(const Tensor& weight) const { return apply(weight); }
  virtual Tensor restore_weight(const Tensor& weight) const { return invert(weight); }
  /// `apply` to fp32 rows of `width` as what a kernel does while it encodes them, bit for bit;
  /// none: it cannot. Its pointers live as long as the transform.
  virtual std::optional<BlockTransform> while_encoding(std::int64_t /*width*/) const {
    return std::nullopt;
  }
};

/// Where a transform acts. residual: the stream between blocks; value_output: each head's values;
/// query_key: each head's queries and keys after the rotary positions, online; down_input: the
/// input of the last projection of the feed-forward part, online. inputs: the input of every
/// quantized linear, online, a matrix of its own for every block of channels.
enum class Site { residual, value_output, query_key, down_input, inputs };

/// "KIND[:SIZE]@SITE", as in "hadamard:32@residual"; without a size it spans the whole dimension.
struct TransformSpec {
  std::string kind;
  std::int64_t size = 0; // 0: the whole dimension
  Site site = Site::residual;
  bool operator==(const TransformSpec&) const = default;
};

TransformSpec parse_transform(std::string_view text);
std::string to_text(const TransformSpec& spec);

/// What a transform needs beside its spec. Signs are drawn from `seed`; `random_signs` false gives
/// the plain matrix.
struct TransformPlace {
  std::int64_t width = 0; // dimension it acts on
  std::uint64_t seed = 0;
  bool random_signs = true;
};

/// Errors: a size that does not divide the width, no construction of that order, a kind that is for
/// inputs only.
std::unique_ptr<Transform> make_transform(const TransformSpec& spec, const TransformPlace& place);

/// The ±1 signs [width] that make_transform draws for this place.
Tensor transform_signs(const TransformSpec& spec, const TransformPlace& place);

struct TransformRow {
  const char* name;
  const char* help;
  /// Drawn from a seed; null: calibration decides.
  std::unique_ptr<Transform> (*make)(const TransformSpec&, const TransformPlace&);
  /// A matrix for each block of one input, at every site that takes more than rotations; null: of
  /// the stream only.
  Tensor (*fit)(const BlockMoments&);
  /// A rotation of the stream, before the Hadamard matrix of every block; null: not of the stream.
  Tensor (*fit_stream)(const std::vector<StreamReader>&, const Tensor& kept, std::int64_t size,
                       const SeparationSteps&) = nullptr;
};

/// Whether its matrices follow from what calibration sees.
bool needs_calibration(const TransformSpec& spec);

/// Errors: a size that does not divide the width, a kind that cannot act at the site.
void check_transform(const TransformSpec& spec, std::int64_t width);

/// The matrices [width / size, size, size] that a spec chooses for one input.
Tensor fit_input_transform(const TransformSpec& spec, const BlockMoments& moments);

/// The rotation [n, n] fp64 that a spec chooses for the stream; its parameters are those of
/// separate (transforms/separation.h).
Tensor fit_stream_rotation(const TransformSpec& spec, const std::vector<StreamReader>& readers,
                           const Tensor& kept, const SeparationSteps& steps);

/// Every kind of transform there is.
const std::vector<TransformRow>& transforms();

struct SiteRow {
  const char* name;
  const char* help;
  Site site;
};
const std::vector<SiteRow>& sites();

} // namespace latticelens
