// Whether rounding what is rounded already changes it.
#pragma once
#include "formats/format.h"

namespace latticelens {

/// Whether fit and snap give back every block of values that lie on the grid of any power-of-two
/// scale, however that scale was chosen. False for scales that are no powers of two, and for rules
/// that search.
bool nearest_keeps_values(const Format& format);

} // namespace latticelens
