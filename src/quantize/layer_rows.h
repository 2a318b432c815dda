// Rows of layers.jsonl, and what the progress line says of them.
#pragma once
#include "core/json.h"
#include "core/progress.h"
#include "core/run_directory.h"
#include "rounding/certify.h"

namespace latticelens {

struct RoundedLinear {
  Tensor weight, values; // [out, in] fp32
  Tensor scales;         // [out, in/block]
};

/// One row of layers.jsonl. Errors are sums of squares over the calibration tokens; null without
/// calibration.
Json layer_row(const Format& format, std::int64_t layer, const std::string& name,
               const RoundedLinear& linear, const Moments* moments);

/// What rotations did to the blocks' scales of a linear, chosen as rounding to nearest chooses
/// them: `original` [out, in] without rotations, `weight` with them, each with its format.
Json rotation_row(const Format& format, const Tensor& weight, const Format& original_format,
                  const Tensor& original);

/// Of the rows [first, last) of a certified matrix, summed: see docs/run_directory.md.
Json certificate_row(const Certificate& certificate, std::int64_t first, std::int64_t last);

/// Rows of finished blocks; a run killed between the rows and the shard has rows too many.
std::vector<Json> rows_before(const RunDirectory& run, std::int64_t layer);

/// "weighted error 0.52 of nearest's, at most 1.31x the optimum", of one block; empty without
/// calibration.
std::string error_text(const std::vector<Json>& rows, std::int64_t layer);

/// Moments of fewer tokens than twice their width invite a search to fit the sample: said once.
void say_few_tokens(Progress& progress, const std::vector<Json>& rows);

/// A raised damping is never silent: it changes what is solved.
void say_escalations(Progress& progress, const std::vector<Json>& rows, std::int64_t layer);

/// Experts that saw too few tokens for moments of their own.
void say_shared_moments(Progress& progress, const std::vector<Json>& rows, std::int64_t layer);

} // namespace latticelens
