// Moving the spread of activations into weights, channel by channel (SmoothQuant, arXiv 2211.10438,
// equation 4).
#pragma once
#include "model/model.h"
#include "text/corpus.h"

namespace latticelens {

/// The same function with every norm's gain divided by s_j = max|X_j|^strength /
/// max|W_j|^(1 - strength) and the columns of its readers multiplied by it; X_j: the channel of the
/// normed stream in the calibration text, W_j: the columns of all readers. Layer norms' biases are
/// divided too. The factors are kept in `folder`/smoothing.safetensors. Errors: no text, a file
/// that does not fit.
Model smoothed(const Model& model, double strength, const TokenWindows& calibration,
               const std::filesystem::path& folder, bool quiet);

namespace detail {
/// s [width] fp64; channels that are never used, or whose weights are zero, keep 1.
Tensor smoothing_factors(const Tensor& input_maxima, const Tensor& weight_maxima, double strength);
} // namespace detail

} // namespace latticelens
