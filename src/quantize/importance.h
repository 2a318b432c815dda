// How much the loss depends on what each linear gives: of which tokens, and of which outputs.
#pragma once
#include "tensor/tensor.h"
#include <filesystem>
#include <map>
#include <string>

namespace latticelens {

/// Squared gradients of the loss by a stage's outputs. Tokens and outputs are weighted by them as
/// in GuidedQuant (Kim et al. 2025, arXiv 2505.07004).
struct StageImportance {
  Tensor tokens;    // [windows, t], sums over the outputs; undefined: all tokens count alike
  Tensor outputs;   // [out] of the stage's linears one after the other, sums over the tokens
  double scale = 0; // mean over the outputs of a typical token (the median one)
};

class Importance {
 public:
  Importance() = default;
  /// Error: a file that lacks something.
  explicit Importance(const std::filesystem::path& path);
  void write(const std::filesystem::path& path) const;

  /// place: "model.layers.3.mlp_input".
  void set(const std::string& place, const StageImportance& squares);
  /// What to multiply the rows of a window [1, t, in] by [1, t, 1]: the root of half an equal share
  /// and half the token's own, so that no token counts for nothing; [1, 1, 1] where all count
  /// alike. Error: an unknown place.
  Tensor token_factors(const std::string& place, std::size_t window) const;
  /// The same for the rows of the stage's weights [out, 1].
  Tensor output_factors(const std::string& place) const;
  /// By how much an output's error counts beside another stage's.
  double scale(const std::string& place) const { return at(place).scale; }

 private:
  const StageImportance& at(const std::string& place) const;
  std::map<std::string, StageImportance> stages_; // tokens and outputs relative to their means
};

} // namespace latticelens
