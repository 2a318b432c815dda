// Kinds of autoencoders: which terms they are trained by, and how they select latents afterwards.
#pragma once
#include "sae/terms.h"
#include <string>

namespace latticelens {

/// One autoencoder to train.
struct CoderPlan {
  std::string kind = "topk";
  std::int64_t latents = 0, width = 0, k = 32;
  double rate = 3e-4;
  std::uint64_t seed = 0;
  double dead_weight = 1.0 / 32; // of AuxK; 0: no such term
  bool multi = false;            // Multi-TopK's second term
};

struct CoderKind {
  const char* name;
  const char* help;
  Selection selection;
  SparseTerms (*terms)(const CoderPlan& plan);
};

const std::vector<CoderKind>& coder_kinds();
/// Error: none of that name; lists them.
const CoderKind& find_coder_kind(const std::string& name);

/// "topk-n4096-k32-lr0.0003-seed0", a folder's name.
std::string name_of(const CoderPlan& plan);

/// The kind's terms and the others that the plan asks for. Error: k above the latents.
SparseTerms terms_of(const CoderPlan& plan);

} // namespace latticelens
