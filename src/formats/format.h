// Number formats as values: a grid of elements, a block that shares a scale, and the rule that
// chooses the scale.
#pragma once
#include "kernels/microscale.h"
#include "tensor/tensor.h"
#include <string>
#include <string_view>
#include <vector>

namespace latticelens {

struct Format {
  std::string name; // canonical: "mxfp4", "mxfp4/7.25", "mxfp4/floor/away" is printed "mxfp4/away"
  std::int64_t block = 0; // values sharing one scale, along the last dimension
  ElementGrid grid;
  ScaleRule rule;

  /// Scales for x [..., n] of fp32: [..., n/block] of fp32. Error when n is no multiple of the
  /// block.
  Tensor fit(const Tensor& x) const;
  /// The nearest representable values of x [..., n] for the scales [..., n/block]; counts are added
  /// to `counts`.
  Tensor snap(const Tensor& x, const Tensor& scales, SnapCounts& counts) const;
  /// The candidate-th scale to try beside a fitted one: 0 is the fitted one itself, then one power
  /// of two up, one down, two up, ... inside the range of E8M0.
  float candidate_scale(float fitted, int candidate) const;
  /// snap(x, fit(x)) in one pass: activations.
  Tensor quantize(const Tensor& x, SnapCounts& counts) const;
};

/// "NAME[/SCALE RULE][/TIES]". Errors list what is known.
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

/// Weights as bytes: codes [out, n/2] with the even column in the low nibble, and E8M0 scales [out,
/// n/block].
struct PackedWeight {
  Tensor codes, scales;
};

/// values must be representable with the scales (as `snap` returns them); negative zero is written
/// as zero.
PackedWeight pack_e2m1(const Tensor& values, const Tensor& scales);
/// fp32 [out, n]. Errors: shapes that do not fit together, the E8M0 code for NaN.
Tensor unpack_e2m1(const PackedWeight& packed, const std::string& where);

} // namespace latticelens
