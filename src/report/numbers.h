// Numbers that a file may not have.
#pragma once
#include "core/json.h"
#include <cmath>
#include <limits>

namespace latticelens::report {

/// What a file does not say, or says as null (JSON has no NaN).
constexpr double absent = std::numeric_limits<double>::quiet_NaN();
inline bool known(double value) {
  return std::isfinite(value);
}

/// For a page: null where the number is absent.
inline Json number_or_null(double value) {
  return known(value) ? Json(value) : Json(nullptr);
}

} // namespace latticelens::report
