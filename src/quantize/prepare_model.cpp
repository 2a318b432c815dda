#include "quantize/prepare_model.h"

#include "quantize/smoothing.h"

namespace latticelens {

Model prepare_model(const Model& model, const Method& method, const TokenWindows& calibration,
                    const std::filesystem::path& folder, bool quiet) {
  Model prepared = model;
  if (method.permutation)
    prepared = permuted(prepared, *method.permutation, calibration, folder, quiet);
  if (method.smoothing)
    prepared = smoothed(prepared, *method.smoothing, calibration, folder, quiet);
  return prepared;
}

} // namespace latticelens
