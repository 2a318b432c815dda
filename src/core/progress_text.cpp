#include "core/progress_text.h"

#include "core/progress.h"
#include "core/words.h"
#include <algorithm>
#include <cstdio>

namespace latticelens {
namespace {

constexpr int widest_bar = 30, narrowest_bar = 8;

std::string count_text(const ProgressState& state) {
  const std::string total = state.total > 0 ? "/" + std::to_string(state.total) : "";
  return std::to_string(state.done) + total + " " + state.unit;
}

/// Slow steps by their seconds, fast ones by their number a second.
std::string rate_text(const ProgressState& state) {
  const auto steps = static_cast<double>(state.done - state.skipped);
  if (steps <= 0 || state.seconds <= 0)
    return "";
  if (state.seconds > steps)
    return duration_text(state.seconds / steps) + " each";
  const double rate = steps / state.seconds;
  char text[32];
  std::snprintf(text, sizeof text, rate < 10 ? "%.1f" : "%.0f", rate);
  return text + (" " + state.unit) + "/s";
}

std::string left_text(const ProgressState& state) {
  const auto steps = static_cast<double>(state.done - state.skipped);
  if (state.total > 0 && state.done >= state.total)
    return "in " + duration_text(state.seconds);
  if (steps <= 0 || state.total <= 0)
    return "";
  return duration_text(state.seconds / steps * static_cast<double>(state.total - state.done)) +
         " left";
}

std::vector<std::string> facts_of(const ProgressState& state) {
  std::vector<std::string> facts = {count_text(state)};
  for (const std::string& fact : {state.detail, rate_text(state), left_text(state)})
    if (!fact.empty())
      facts.push_back(fact);
  facts.push_back("peak " + bytes_text(state.peak));
  return facts;
}

std::string bar(const ProgressState& state, int width) {
  const double share = static_cast<double>(state.done) / static_cast<double>(state.total);
  const int full = std::clamp(static_cast<int>(share * width), 0, width);
  return "[" + std::string(full, '#') + std::string(width - full, '.') + "]";
}

} // namespace

std::string plain_line(const ProgressState& state) {
  return state.label + " " + joined(facts_of(state), ", ");
}

std::string bar_line(const ProgressState& state, int columns) {
  const std::string facts = joined(facts_of(state), "  ");
  const auto taken =
      static_cast<int>(state.label.size() + facts.size() + 4); // 2 blanks, 2 brackets
  const int width = std::min(widest_bar, columns - taken);
  const std::string line = width >= narrowest_bar && state.total > 0
                               ? state.label + " " + bar(state, width) + " " + facts
                               : state.label + " " + facts;
  return line.substr(0, static_cast<std::size_t>(std::max(columns, 0)));
}

} // namespace latticelens
