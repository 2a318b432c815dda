// Does a method fit a model? Asked before anything is written.
#pragma once
#include "model/model.h"
#include "quantize/method.h"

namespace latticelens {

/// Errors: a rotation that does not fit its site's width or cannot be constructed, a block that
/// does not divide a linear's inputs, scales that cannot wait for so large a block.
void check_method(const Method& method, const Model& model);

/// Error: blocks of the KV cache's format that do not divide the head dimension.
void check_kv(const Method& method, const Config& config);

} // namespace latticelens
