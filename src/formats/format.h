// Number formats as values: a grid of elements, a block that shares a scale, and the rule that
// chooses the scale.
#pragma once
#include "kernels/microscale.h"
#include "tensor/tensor.h"
#include <string>
#include <string_view>
#include <vector>

namespace latticelens {

/// What a block's scale is stored as.
enum class ScaleType { e8m0, e4m3, fp16, fp32 };

struct Format {
  std::string name; // canonical: "mxfp4", "bint4:128", "mxfp4/7.25"; "mxfp4/floor/away" is printed
                    // "mxfp4/away"
  std::int64_t block = 0; // values sharing one scale, along the last dimension; 0: a whole row
  ElementGrid grid;
  ScaleRule rule;
  bool asymmetric_activations = false; // activations get a zero point a row instead

  /// The format for one weight: a block of a whole row gets its length, a second scale for the
  /// tensor follows from its largest magnitude. Error: values that are not finite.
  Format on(const Tensor& weight) const;
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
  /// second scale is that of the row: what a token becomes does not depend on its neighbours.
  Tensor quantize(const Tensor& x, SnapCounts& counts) const;
};

/// "NAME[:BLOCK][/SCALE RULE][/TIES]", BLOCK a power of two or "row". Errors list what is known.
Format parse_format(std::string_view text);

struct FormatRow {
  const char* name;
  const char* help;
  Format (*make)();
};

/// Every format there is.
const std::vector<FormatRow>& formats();

struct ScaleRuleRow {
  const char* name;
  const char* help;
};
const std::vector<ScaleRuleRow>& scale_rules();

} // namespace latticelens
