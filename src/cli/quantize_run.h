// One run of quantize in its folder: what the quantize command and each row of bench do.
#pragma once
#include "core/progress.h"
#include "quantize/layer_loop.h"

namespace latticelens {

struct QuantizeRun {
  const OpenedModel& opened;
  std::string model_hash;
  Method method;
  std::string preset; // its name, or empty
  const TokenWindows& calibration;
  std::vector<std::string> files; // that the windows were cut from
  std::uint64_t seed = 0;
  std::string dtype = "bf16", calibration_dtype = "fp32";
  bool quiet = false;
  Stopwatch watch; // started when the work began
};

/// Storage of a weight, scales included, averaged over the quantized ones (rows of layers.jsonl).
double bits_per_weight(const Format& format, const std::vector<Json>& linears);

/// A model that is still to be quantized. Error: it is quantized already.
OpenedModel open_original(const std::string& path);

/// Starts or continues the run in `folder` and finishes it; a finished one is left as it is, unless
/// files of it are damaged: then the blocks from the first damaged one on are quantized again.
/// Returns run.json. Errors: those of RunDirectory and of quantizing.
Json quantize_into(const std::filesystem::path& folder, const QuantizeRun& run);

} // namespace latticelens
