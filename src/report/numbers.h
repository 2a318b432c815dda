// Numbers as people read them: few digits, thousands separators, no exponents like 1e-05. An absent
// number (not finite) is a dash.
#pragma once
#include <cmath>
#include <cstdint>
#include <limits>
#include <string>

namespace latticelens::report {

/// What a file does not say, or says as null (JSON has no NaN).
constexpr double absent = std::numeric_limits<double>::quiet_NaN();
inline bool known(double value) {
  return std::isfinite(value);
}

/// `digits` significant digits: "1,234", "0.0123", "3.1 × 10⁻⁹".
std::string significant(double value, int digits = 3);

/// As `significant`, without zeros at the end of the decimals: for axes.
std::string trimmed(double value, int digits = 3);

/// A fixed number of decimals: "1,234.50".
std::string fixed(double value, int decimals);

/// "49,152".
std::string whole(std::int64_t value);

/// A share as "2.57 %", with a space that does not break.
std::string percent(double share, int digits = 3);

/// As `percent`, without zeros at the end of the decimals: for axes.
std::string trimmed_percent(double share, int digits = 3);

/// "171 MB", "35.3 s"; a dash when absent.
std::string size_text(double bytes);
std::string time_text(double seconds);

/// A power of two as "2⁻⁷".
std::string power_of_two(std::int64_t exponent);

/// A power of ten as "10⁻⁷".
std::string power_of_ten(std::int64_t exponent);

/// "1 window", "4 windows".
std::string count_of(std::int64_t count, const std::string& noun);

/// A length in SVG units, with at most two decimals: "12.5".
std::string coordinate(double value);

} // namespace latticelens::report
