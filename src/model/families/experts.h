// The feed-forward part of a block as experts: a router sends each token to some of them.
#pragma once
#include "model/layout.h"

namespace latticelens {

struct ExpertNames {
  std::string router, experts; // "block_sparse_moe.gate", "block_sparse_moe.experts"
  std::string gate, up, down;  // of an expert
};

struct Experts {
  ExpertNames names;
  /// What an expert's last linear reads, from what its gate and up projection give.
  Tensor (*gated)(const Tensor& gate, const Tensor& up, const Config& config);
  /// Whether its sign follows that of `up`: then a rotation's signs are folded there.
  bool odd_in_up = true;
};

/// "EXPERTS.3.NAME"
std::string expert_linear(const ExpertNames& names, std::int64_t expert, const std::string& name);

/// Error: counts that contradict each other or are absurd.
void read_experts(const Json& json, const std::string& where, std::int64_t usual,
                  std::int64_t usual_per_token, Config& config);

/// The layout of a block whose attention is LLaMA's, with these experts behind it.
Layout experts_layout(const Config& config, const Experts& experts, bool biased = false);

} // namespace latticelens
