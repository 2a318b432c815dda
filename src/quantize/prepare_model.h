// What a method does to a model before any block is loaded.
#pragma once
#include "quantize/method.h"

namespace latticelens {

/// The same function, with its channels permuted and smoothed as the method says. What calibration
/// decides is kept in `folder`. Errors: those of permuted and smoothed.
Model prepare_model(const Model& model, const Method& method, const TokenWindows& calibration,
                    const std::filesystem::path& folder, bool quiet);

} // namespace latticelens
