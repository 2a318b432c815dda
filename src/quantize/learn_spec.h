// What of a method is learned before anything is rounded, and how.
#pragma once
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace latticelens {

/// "rotations[:OPTION=NUMBER,...]" with the options' defaults filled in.
struct LearnSpec {
  std::string name;
  std::map<std::string, double> options;
  bool operator==(const LearnSpec&) const = default;

  double number(const std::string& option) const { return options.at(option); }
  std::int64_t count(const std::string& option) const {
    return static_cast<std::int64_t>(options.at(option));
  }
};

struct LearnOption {
  const char* name;
  double fallback;
  const char* help;
  double least, most;
  bool whole = false; // a whole number
};

struct LearnRow {
  const char* name;
  const char* help;
  std::vector<LearnOption> options;
};

/// Everything that can be learned.
const std::vector<LearnRow>& learnings();

/// "SPEC[;SPEC]...". Errors: an unknown name or option, a number out of its range, a name that
/// comes twice.
std::vector<LearnSpec> parse_learnings(std::string_view text);
std::string to_text(const std::vector<LearnSpec>& specs);

} // namespace latticelens
