// Number formats as values: a grid of elements, a block that shares a scale, and the rule that
// chooses the scale.
#pragma once
#include "kernels/microscale.h"
#include "tensor/tensor.h"
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace latticelens {

/// What a block's scale is stored as.
enum class ScaleType { e8m0, e4m3, fp16, fp32 };

struct CodedType;

/// Scales and offsets that are chosen for a whole weight at once.
struct BlockFrame {
  Tensor scales, offsets; // [out, in/block] fp32
  Tensor bytes;           // [out, bytes of a row] U8: blocks whose codes are still to be chosen
};

struct Format {
  std::string name; // canonical: "mxfp4", "bint4:128", "mxfp4/7.25"; "mxfp4/floor/away" is printed
                    // "mxfp4/away"
  std::int64_t block = 0; // values sharing one scale, along the last dimension; 0: a whole row
  ElementGrid grid;
  ScaleRule rule;
  bool asymmetric_activations = false; // activations get a zero point a row instead
  bool scale_of_token = false; // activations' second scale is each token's own, not calibrated
  /// A GGUF type: values lie at scale * level + offset, and both are chosen once for a weight, when
  /// the format is settled for it. For weights only.
  const CodedType* coded = nullptr;
  std::shared_ptr<const BlockFrame> frame = nullptr;

  /// The name without scale rule and ties: "mxfp4" of "mxfp4/7.25", "bint4:128".
  std::string base_name() const { return name.substr(0, name.find('/')); }

  /// The format for one weight [out, in]: a block of a whole row gets its length, a second scale
  /// for the tensor follows from its largest magnitude, a GGUF type gets its frame, in which inputs
  /// count by `importance` [in], if it is defined. Error: values that are not finite.
  Format on(const Tensor& weight, const Tensor& importance = {}) const;
  /// The same, settled for rows [first, last) of that weight.
  Format of_rows(std::int64_t first, std::int64_t last) const;
  /// x [out, in] less the frame's offsets, and back; without a frame x itself.
  Tensor without_offsets(const Tensor& x) const;
  Tensor with_offsets(const Tensor& x) const;
  /// The second scale of what has this largest magnitude; 1 for zero and what is not finite. Its
  /// reciprocal's reciprocal is the same number, since files hold either.
  float second_scale(float largest) const;
  /// Whether activations get a second scale from calibration.
  bool has_calibrated_scale() const;
  /// Bits of one code.
  int code_bits() const;
  ScaleType scale_type() const;
  /// Storage of one value, its share of the block's scale included.
  double bits() const;
  /// Scales for x [..., n] of fp32: [..., n/block] of fp32. Error when n is no multiple of the
  /// block. A second scale that is not settled is that of x.
  Tensor fit(const Tensor& x) const;
  /// The nearest representable values of x [..., n] for the scales [..., n/block]; counts are added
  /// to `counts`.
  Tensor snap(const Tensor& x, const Tensor& scales, SnapCounts& counts) const;
  /// The candidate-th scale to try beside a fitted one: 0 is the fitted one itself, then one step
  /// up, one down, two up, ...: a power of two for E8M0, else a sixteenth (an eighth for E4M3).
  float candidate_scale(float fitted, int candidate) const;
  /// Activations x [..., n] in one pass: snap(x, fit(x)), or with a zero point for each row. A
  /// second scale that is not settled is that of the row: what a token becomes does not depend on
  /// its neighbours.
  Tensor quantize(const Tensor& x, SnapCounts& counts) const;
};

/// "NAME[:BLOCK][/SCALE RULE][/TIES][/token]", BLOCK a power of two or "row", "token" for formats
/// with a second scale. Errors list what is known.
Format parse_format(std::string_view text);

struct FormatRow {
  const char* name;
  const char* help;
  Format (*make)();
};

/// Every format there is.
const std::vector<FormatRow>& formats();

/// GGUF's types as formats of weights: "q4_0" ...; parse_format knows both tables.
const std::vector<FormatRow>& coded_formats();

struct ScaleRuleRow {
  const char* name;
  const char* help;
};
const std::vector<ScaleRuleRow>& scale_rules();

} // namespace latticelens
