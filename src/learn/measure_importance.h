// Squared gradients of the original model's loss, by the outputs of every stage.
#pragma once
#include "quantize/importance.h"
#include "quantize/request.h"

namespace latticelens {

/// Of the calibration text's cross entropy; kept in `folder`/importance.safetensors, and read from
/// there when an earlier call wrote it. One pass forwards and one back.
Importance measure_importance(const QuantizeRequest& request, const std::filesystem::path& folder);

} // namespace latticelens
