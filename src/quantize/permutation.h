// Orders of the residual stream's channels: which of them share a block.
#pragma once
#include "model/model.h"
#include "text/corpus.h"

namespace latticelens {

/// "KIND[:SIZE]" as in "balanced:32"; the size is of the blocks that the order is for.
struct PermutationSpec {
  std::string kind;
  std::int64_t size = 0;
  bool operator==(const PermutationSpec&) const = default;
};

struct PermutationRow {
  const char* name;
  const char* help;
  bool needs_text;
  /// The order [hidden], int64: channel order[i] comes to place i.
  Tensor (*choose)(const Model&, const TokenWindows&, std::int64_t size, bool quiet);
};

/// Every kind of order there is.
const std::vector<PermutationRow>& permutations();

/// Errors: an unknown kind, a size that is none or lacks.
PermutationSpec parse_permutation(std::string_view text);
std::string to_text(const PermutationSpec& spec);
const PermutationRow& permutation_row(const PermutationSpec& spec);

/// Error: blocks that do not divide the stream's width.
void check_permutation(const PermutationSpec& spec, std::int64_t width);

/// The same function with the stream's channels in another order: norms, readers, writers,
/// embedding and head are reordered when they are loaded.
Model permuted(const Model& model, const Tensor& order);

/// `model` in the order that the spec chooses, kept in `folder`/permutation.safetensors. Errors:
/// those of check_permutation, a kind that needs text and has none, a file that does not fit.
Model permuted(const Model& model, const PermutationSpec& spec, const TokenWindows& calibration,
               const std::filesystem::path& folder, bool quiet);

namespace detail {
/// By decreasing mass, each channel into the block that has the least so far, if there is room.
Tensor balanced_order(const Tensor& mass, std::int64_t size);
} // namespace detail

} // namespace latticelens
