// Stages and layouts that several families share.
#pragma once
#include "model/layout.h"

namespace latticelens {

/// The stream after the block's norm of that name.
StageInput normed(const std::string& norm);
/// State::inner.
Tensor inner(const Block&, const State& state, const Config&);
/// Adds the linear's result to the stream.
StageAdvance added_to_stream(const std::string& linear);
/// Attention of "self_attn.{q,k,v}_proj".
void attention(const Block& block, const Tensor& x, const Rope& rope, const Config& config,
               State& state);

/// LLaMA's block, under LLaMA's names.
Layout llama_layout(const Config& config);

} // namespace latticelens
