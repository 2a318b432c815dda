// MXFP4 (OCP Microscaling v1.0): E2M1 elements, blocks of 32, E8M0 scales.
#pragma once
#include "formats/format.h"

namespace latticelens {

Format mxfp4();

} // namespace latticelens
