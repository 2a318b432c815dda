// What is to be quantized, and how.
#pragma once
#include "quantize/method.h"
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
};

} // namespace latticelens
