// Errors a user can act on: "[part] what is wrong: why; what to do". main prints them in one line
// and exits with 2.
#pragma once
#include <stdexcept>
#include <string>
#include <string_view>

namespace latticelens {

class Error : public std::runtime_error {
 public:
  Error(std::string_view part, std::string_view message)
      : std::runtime_error("[" + std::string(part) + "] " + std::string(message)) {}
};

/// Throws Error(part, message) unless `condition` holds.
inline void require(bool condition, std::string_view part, const std::string& message) {
  if (!condition)
    throw Error(part, message);
}

} // namespace latticelens
