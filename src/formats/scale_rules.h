// Rules that choose a block's power-of-two scale from its largest magnitude, by name.
#pragma once
#include "formats/format.h"

namespace latticelens {

/// False when there is no rule of that name.
bool set_scale_rule(Format& format, std::string_view name);

} // namespace latticelens
