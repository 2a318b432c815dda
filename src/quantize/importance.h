// How much the loss depends on what each linear gives: of which tokens, and of which outputs.
#pragma once
#include "tensor/tensor.h"
#include <filesystem>
#include <map>
#include <string>

namespace latticelens {

/// Means of squared gradients of the loss by a stage's outputs, relative to their mean. Tokens and
/// outputs are then weighted by them as in GuidedQuant (Kim et al. 2025, arXiv 2505.07004).
struct StageImportance {
  Tensor tokens;  // [windows, t]
  Tensor outputs; // [out] of the stage's linears one after the other
};

class Importance {
 public:
  Importance() = default;
  /// Error: a file that lacks something.
  explicit Importance(const std::filesystem::path& path);
  void write(const std::filesystem::path& path) const;

  /// place: "model.layers.3.mlp_input". Takes sums of squared gradients.
  void set(const std::string& place, const StageImportance& sums);
  /// What to multiply the rows of a window [1, t, in] by [1, t, 1]: the root of half an equal share
  /// and half the token's own, so that no token counts for nothing. Error: an unknown place.
  Tensor token_factors(const std::string& place, std::size_t window) const;
  /// The same for the rows of the stage's weights [out, 1].
  Tensor output_factors(const std::string& place) const;

 private:
  const StageImportance& at(const std::string& place) const;
  std::map<std::string, StageImportance> stages_;
};

} // namespace latticelens
