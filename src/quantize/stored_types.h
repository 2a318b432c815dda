// What a model's linears are stored as, whatever file they lie in.
#pragma once
#include "quantize/packed_model.h"

namespace latticelens {

/// The type of all linears of all blocks: "BF16", "Q4_0", "mxfp4"; several: "Q4_0 and Q8_0".
/// counts: of those alone, by their names in the block.
std::string type_of_linears(const Model& model,
                            bool (*counts)(const std::string& linear) = nullptr);

/// What block scales of a linear's weight are divided by, 1 when there is no second scale. name:
/// the linear's, with the block's prefix.
float second_scale_of(const Model& model, const std::string& name);

/// GGUF's type that holds the linears' values as they are; empty: none that is written here, or
/// they are not in the model's own basis.
std::string gguf_type_of_linears(const OpenedModel& opened);

} // namespace latticelens
