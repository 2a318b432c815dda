// A method: transforms, weight and activation format, rounding. One canonical string names it.
#pragma once
#include "formats/format.h"
#include "model/layout.h"
#include "quantize/learn_spec.h"
#include "quantize/permutation.h"
#include "rounding/rounding.h"
#include "transforms/transform.h"
#include <optional>

namespace latticelens {

/// On which activations the moments are collected: unquantized ones (the block-rotation paper), or
/// those that the quantized model will see.
enum class MomentsPath { original, quantized };

/// What a layer's outputs should come close to: those of its weights on the inputs that it will
/// get, or those that the original model has (mismatch; Birnick §3, Qronos), with or without the
/// drift of the residual stream that they are added to.
enum class Target { quantized, original, original_with_drift };

struct Method {
  std::vector<TransformSpec> transforms;      // in the order of sites, at most one a site
  std::vector<LearnSpec> learn;               // one after the other
  std::optional<PermutationSpec> permutation; // of the residual stream's channels, before all else
  std::optional<double> smoothing;            // strength in (0, 1); before the stream is rotated
  Format weight;
  std::optional<Format> activation; // of the input of every quantized linear
  bool centred = false;             // inputs are quantized around their mean over the tokens
  std::optional<Format> kv;         // of the KV cache: each head's keys and values of a token
  RoundingSpec rounding;
  ScaleSpec scales;
  std::string order = "natural"; // of rounding; a name of orders()
  bool importance = false;       // tokens and outputs count by the loss's gradient
  MomentsPath moments = MomentsPath::quantized;
  Target target = Target::quantized;
};

/// "rotate=... learn=... weight=... activation=... centre=... kv=... rounding=... order=...
/// scales=... moments=..."; weight is required, the others have defaults (no rotation, none, none,
/// none, nearest, natural, current, quantized). Errors say which word and what is known.
Method parse_method(std::string_view text);

struct PublishedLayout;
/// The layout of other programs that can hold what the method makes; null: none can.
const PublishedLayout* layout_of(const Method& method);

/// How what the method makes of a weight is stored: the weight's format or the rounding decides.
const Packing& packing_of(const Method& method);
/// Whether what it stores lies on the grid that certificates speak of.
bool has_certificates(const Method& method);

/// The canonical string: parse_method gives the same method back.
std::string to_text(const Method& method);

/// What it says of the row `name` of learnings(); null: that is not learned.
const LearnSpec* learning(const Method& method, std::string_view name);

/// Whether it cannot do without a calibration text.
bool needs_text(const Method& method);

/// The transform at a site; null when there is none.
const TransformSpec* transform_at(const Method& method, Site site);
/// The rotation at down_input that is the same in all blocks of a model; null when there is none.
const TransformSpec* online_rotation(const Method& method);
/// The transform that a stage's input has of its own, stored beside its weights; null: none.
const TransformSpec* input_transform(const Method& method, const Layout& layout,
                                     const std::string& stage);
bool has_input_transforms(const Method& method);

struct Preset {
  const char* name;
  const char* help;
  const char* method;
};

/// Every preset there is; the paper's have its settings (quantization-peers.md §0).
const std::vector<Preset>& presets();
Method preset_method(const std::string& name);

} // namespace latticelens
