// Learning which codes a rounded model has: steps down its loss after everything is rounded, with
// the scales that it has.
#pragma once
#include "core/run_directory.h"
#include "learn/weight_descent.h"

namespace latticelens {

/// Rewrites the weights in run.model() as request.method learns. Each weight starts inside the cell
/// of its code, as near to the original's as that goes. Does nothing when an earlier call has
/// ended. Errors: those of descend, and codes that do not lie on the format's own grid.
void learn_codes(const QuantizeRequest& request, RunDirectory& run, const EachStep& each_step = {});

namespace detail {
/// The value nearest to `weight` on the way there from `values` that still snaps to `values`, all
/// [out, in], to one part in 2^12.
Tensor inside_cell(const Tensor& weight, const Tensor& values, const Tensor& scales,
                   const Format& format);
} // namespace detail

} // namespace latticelens
