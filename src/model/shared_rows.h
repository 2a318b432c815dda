// Sequences that begin alike, computed once: their tokens are the rows of one batch, and a row may
// belong to several sequences. Everything but attention works on rows and needs no change.
#pragma once
#include "model/model.h"

namespace latticelens {

struct SharedRows {
  Tensor ids;                    // [rows]
  std::vector<Tensor> sequences; // the rows of each, in order; two may share a beginning only
};

/// Hidden states [rows, d] of each batch after the final norm; as run_decoder, blocks are loaded
/// once and run over all batches.
std::vector<Tensor> run_decoder(const Model& model, const std::vector<SharedRows>& batches,
                                const std::function<void()>& each_block = {});

/// attend over the sequences `rope.sequences` of x's rows [1, rows, ...].
Tensor attend_sequences(const Tensor& q, const Tensor& k, const Tensor& v, const Rope& rope,
                        const Config& config, std::int64_t window, const HeadFunctions& functions,
                        const Tensor& sinks = {});

} // namespace latticelens
