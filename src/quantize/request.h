// What is to be quantized, and how.
#pragma once
#include "quantize/importance.h"
#include "quantize/learned_weights.h"
#include "quantize/method.h"
#include "quantize/rotations.h"
#include "quantize/shards.h"
#include "text/corpus.h"

namespace latticelens {

struct QuantizeRequest {
  const Model& model;
  Method method;
  TokenWindows calibration; // count 0: none, for roundings without moments
  std::uint64_t seed = 0;
  Storage storage = Storage::bf16;             // of what is not quantized
  Storage calibration_storage = Storage::fp32; // of calibration activations between stages
  bool quiet = false;
  std::shared_ptr<const LearnedRotations> learned = nullptr;       // what the method learns:
  std::shared_ptr<const LearnedWeights> learned_weights = nullptr; // one of both, or neither
  std::shared_ptr<const Importance> importance = nullptr; // null: all tokens and outputs alike
};

/// Drawn or learned. Error: the method learns rotations and the request has none.
Rotations rotations_of(const QuantizeRequest& request);

} // namespace latticelens
