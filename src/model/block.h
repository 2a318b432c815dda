// One decoder block as weights by name, and the stages that it computes in.
#pragma once
#include "model/config.h"
#include "model/tensors.h"
#include "tensor/tensor.h"
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace latticelens {

class KeyValueCache;

struct Linear {
  Tensor weight; // [out, in]
  Tensor bias;   // [out], or undefined
  /// What a linear does with the input that its stage's function made, where that is no fp32 to be
  /// multiplied by the weight; set together with that function.
  std::function<Tensor(const Tensor& x)> product = {};
  Tensor operator()(const Tensor& x /*[..., in]*/) const;
};

/// x / sqrt(mean(x²) + epsilon) * gain + bias over the last dimension; `centred`: of x less its
/// mean, which is layer normalisation.
struct Norm {
  Tensor gain, bias; // [d]; the bias may be undefined
  bool centred = false;
  Tensor operator()(const Tensor& x, double epsilon) const;
};

/// Called with the name of a place ("model.layers.3.mlp_input") and the tensor there.
using Tap = std::function<void(std::string_view, const Tensor&)>;

/// What happens to the input of a stage before its linears read it: online rotation, activation
/// quantizer.
using InputFunction = std::function<Tensor(const Tensor& x /*[n, t, in]*/)>;

/// What happens to the heads' vectors between the rotary positions and the scores, a token at a
/// time. Differentiable; keeps the shape.
using HeadFunction = std::function<Tensor(const Tensor& x /*[n, heads, t, head_dimension]*/)>;

/// Absent: as they are. Keys and values have one head for each group of query heads.
struct HeadFunctions {
  HeadFunction queries, keys, values;
};

struct Block {
  std::int64_t layer = 0;
  std::map<std::string, Linear> linears;       // "self_attn.q_proj" ...
  std::map<std::string, Norm> norms;           // "input_layernorm" ...
  std::map<std::string, InputFunction> inputs; // by stage name; set by quantize/, absent: as it is
  HeadFunctions heads;                         // set by quantize/
  /// [heads]: the score of a key that every query of the head sees and that has no value (attention
  /// sinks); undefined: there is none.
  Tensor sinks = {};
};

/// What the stages of a block hand on. x is the residual stream [n, t, d]; inner what lies between
/// two stages; beside what will be added to x when the block is done (undefined: nothing).
struct State {
  Tensor x, inner = {}, beside = {};
};

/// Tables that all blocks share.
struct Rope {
  Tensor cosine, sine; // [t, rotary dimension / 2]
  /// Rows of x [1, rows, d] that form each sequence (model/shared_rows.h); none: x is [n, t, d].
  std::vector<Tensor> sequences = {};
  /// What the tokens before x left (model/key_value_cache.h); null: x is the whole text.
  KeyValueCache* cache = nullptr;
};

using StageInput = std::function<Tensor(const Block&, const State&, const Config&)>;
using StageAdvance =
    std::function<void(const Block&, const Tensor& input, const Rope&, const Config&, State&)>;

/// One input and the linears that read it: the unit that calibration and rounding work in.
struct Stage {
  std::string name;
  std::vector<std::string> linears;
  StageInput input;
  StageAdvance advance;
  bool leaves_inner = false; // its result is State::inner, not the residual stream
  /// For a stage that only some tokens reach: its input if all did. Empty: all do.
  StageInput everywhere = {};
};

/// `raw` as the linears of a stage read it: through the stage's input function, if there is one.
Tensor prepared(const Block& block, const std::string& stage, const Tensor& raw);

/// The stage's input, prepared.
Tensor stage_input(const Stage& stage, const Block& block, const State& state,
                   const Config& config);

} // namespace latticelens
