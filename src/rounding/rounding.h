// Choosing the codes of a weight matrix, given what calibration saw of its inputs.
#pragma once
#include "formats/packing.h"
#include "tensor/tensor.h"
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace latticelens {

/// What calibration collects for one linear input: sums over tokens. x̂ is the input that the
/// quantized model gives, x what the original model has there.
struct Moments {
  Tensor gram;              // [in, in] fp64: x̂ x̂ᵀ
  std::int64_t samples = 0; // tokens
  Tensor cross, original; // [in, in] fp64: x̂ xᵀ and x xᵀ; undefined when the target is x̂ w
  // When the outputs are added to a stream that has drifted by r from the original's: x̂ rᵀ and x rᵀ
  // [in, out], and the sum of |r|²; undefined when the drift is not aimed at.
  Tensor drift, original_drift;
  double drift_energy = 0;
  std::shared_ptr<const Moments> held_out; // the part of these sums that judges; null: none
};

/// Sums over the tokens of `all` that are not in `part`, which must be among them.
Moments difference(const Moments& all, const Moments& part);
Moments sum(const Moments& a, const Moments& b);

/// When the scale of a block is chosen. current: from its residual when the block is reached. stale
/// (as published GPTQ code does): from the weights before the corrections inside the panel of 128
/// columns that it lies in. fixed ("static"): from the weights before any rounding. search: several
/// candidates around the current one, judged by the solver's own error in the block.
enum class ScaleTime { current, stale, fixed, search };

/// "current", "stale", "static", "search:N".
struct ScaleSpec {
  ScaleTime time = ScaleTime::current;
  int candidates = 1; // of search
  bool operator==(const ScaleSpec&) const = default;
};
ScaleSpec parse_scales(const std::string& text);
std::string to_text(const ScaleSpec& spec);

/// The value of an option that is written "auto": chosen per layer.
inline constexpr double automatic = -1;

/// "NAME[:OPTION=NUMBER,...]" with the options' defaults filled in; the first option may be given
/// without its name.
struct RoundingSpec {
  std::string name = "nearest";
  std::map<std::string, double> options;
  bool operator==(const RoundingSpec&) const = default;
};

struct Rounded {
  Tensor values;              // [out, in] fp32, representable
  Tensor scales;              // [out, in/block] fp32
  std::int64_t clipped = 0;   // values that fell outside the grid
  double damping = 0;         // relative damping that was used
  int escalations = 0;        // how often damping had to be raised
  Tensor solver_error;        // [out] fp64: |L (target - v)|², undefined without a lattice
  std::optional<double> bits; // per weight, when it is not the format's own
  std::int64_t outliers = 0;  // weights kept exactly beside the grid
  std::optional<std::int64_t> overflow_rows; // that left the grid on a reduced basis
  double strength = 1;                       // of the mismatch target that was used
  // On the tokens held out, of the same rounding and of gptq, when both saw only the other tokens.
  std::optional<double> held_out_error, held_out_gptq_error;
};

struct RoundingProblem {
  Tensor weight; // [out, in] fp32
  const Moments& moments;
  Format format;    // of the weight
  std::string name; // of the layer, for errors
  ScaleSpec scales;
  std::string order = "natural"; // a name of orders()
};

struct RoundingOption {
  const char* name;
  double fallback;
  const char* help;
  bool can_be_automatic = false;
};

struct RoundingRow {
  const char* name;
  const char* help;
  bool uses_moments;
  std::vector<RoundingOption> options;
  Rounded (*round)(const RoundingProblem&, const std::map<std::string, double>& options);
  const Packing& (*packing)() = grid_packing; // how its result is stored
  /// Error when it cannot serve a format (its block settled) and rows of this width; null: serves
  /// all.
  void (*check)(const Format& format, std::int64_t width) = nullptr;
};

/// Every rounding there is.
const std::vector<RoundingRow>& roundings();
const RoundingRow& rounding_row(const std::string& name);

RoundingSpec parse_rounding(std::string_view text);
std::string to_text(const RoundingSpec& spec);
Rounded round_weight(const RoundingSpec& spec, const RoundingProblem& problem);

/// Squared error of the layer's outputs, sum over tokens and rows: |x wᵀ + r - x̂ vᵀ|², with x = x̂
/// when the moments have no original input: then tr(D H Dᵀ) with D = weight - values; r = 0 without
/// drift.
double output_error(const Tensor& weight, const Tensor& values, const Moments& moments);

} // namespace latticelens
