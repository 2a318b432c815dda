// A device for tests on machines without a GPU: its memory and arithmetic are the processor's, but
// like a GPU's, its operations refuse operands that lie elsewhere.
#pragma once
#include "tensor/device.h"

namespace latticelens::testing {

Device shadow_device();

} // namespace latticelens::testing
