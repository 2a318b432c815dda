// A model's tensors as plain values, one at a time: dequantized, its inputs' changes of basis
// folded back. What exports write, without a block or a large matrix in fp32 in memory.
#pragma once
#include "quantize/packed_model.h"

namespace latticelens {

struct PlainTensor {
  std::string name; // as in Hugging Face folders
  std::vector<std::int64_t> shape;
  std::string stored; // its name in the model's files
  /// From the weight as it is stored to plain values; empty: it is plain.
  std::function<Tensor(const Tensor& weight /*fp32*/)> restore = {};
  /// Of a tensor that joins others: the whole of it, instead of `stored`; empty: it joins none.
  std::function<Tensor()> join = {};
};

/// The embedding, the last norm and, unless it is the embedding, the head.
std::vector<PlainTensor> plain_outer_tensors(const OpenedModel& opened);

/// A block's linears and norms, in the order of their names, and what else it has.
std::vector<PlainTensor> plain_block_tensors(const OpenedModel& opened, std::int64_t layer);

/// The same as the family's own files have them: some joined to one.
std::vector<PlainTensor> joined_block_tensors(const OpenedModel& opened, std::int64_t layer);

/// The whole tensor, in the dtype that it is stored in where nothing is restored. Errors: those of
/// load_stored.
Tensor load_plain(const OpenedModel& opened, const PlainTensor& tensor);

/// Calls `visit` with some rows after the other of a tensor that load_plain gave. Pages of the
/// model's files that were read are given back on the way. Error, saying `name`: NaN or infinity.
void for_each_part(const OpenedModel& opened, const Tensor& tensor, const std::string& name,
                   const std::function<void(const Tensor& rows)>& visit);

} // namespace latticelens
