// Learning which codes a rounded model has: steps down its loss after everything is rounded, with
// the scales that it has.
#pragma once
#include "core/run_directory.h"
#include "learn/weight_descent.h"

namespace latticelens {

/// Rewrites the weights in run.model() as request.method learns. Does nothing when an earlier call
/// has ended. Errors: those of descend, and codes that do not lie on the format's own grid.
void learn_codes(const QuantizeRequest& request, RunDirectory& run, const EachStep& each_step = {});

namespace detail {
/// Where learning starts [out, in]: `weight` where it snaps to `values`; else its mirror image at
/// the edge of their cell, on the way from one to the other, at most at `values`. On the edge
/// itself the first step would change every such code at once.
Tensor start_inside_cell(const Tensor& weight, const Tensor& values, const Tensor& scales,
                         const Format& format);
} // namespace detail

} // namespace latticelens
