#include "core/progress.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <malloc.h>
#include <string_view>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <unistd.h>

namespace latticelens {
namespace {

constexpr double seconds_worth_telling = 2;   // shorter work leaves no line
constexpr double seconds_between_lines = 5;   // where there is no terminal
constexpr double share_between_lines = 0.05;  // of the time so far: long work says less often
constexpr double seconds_between_draws = 0.1; // on a terminal
constexpr int usual_columns = 80;

bool is_terminal() {
  const char* const kind = std::getenv("TERM");
  return ::isatty(STDERR_FILENO) != 0 && (!kind || std::string_view(kind) != "dumb");
}

/// One less than there are: a full line would wrap on some terminals.
int columns_of_terminal() {
  winsize size{};
  const bool known = ::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
  return (known ? size.ws_col : usual_columns) - 1;
}

} // namespace

Progress::Progress(std::string label, std::string unit, std::int64_t total, bool quiet)
    : state_{.label = std::move(label), .unit = std::move(unit), .total = total}, quiet_(quiet),
      terminal_(is_terminal()) {
  if (terminal_)
    show();
}

Progress::~Progress() {
  finish();
}

void Progress::finish() {
  if (open_)
    std::fputs(watch_.seconds() < seconds_worth_telling ? "\r\033[K" : "\n", stderr);
  open_ = false;
}

void Progress::skip(std::int64_t steps) {
  state_.skipped += steps;
  state_.done += steps;
}

void Progress::step(const std::string& detail, std::int64_t steps) {
  state_.done += steps;
  state_.detail = detail;
  if (is_due())
    show();
}

bool Progress::is_due() const {
  const double seconds = watch_.seconds();
  if (!terminal_ && seconds < seconds_worth_telling)
    return false;
  const double wanted = terminal_ ? seconds_between_draws
                                  : std::max(seconds_between_lines, share_between_lines * seconds);
  const bool ends = state_.total > 0 && state_.done >= state_.total;
  return ends || seconds - last_shown_ >= wanted;
}

void Progress::show() {
  if (quiet_)
    return;
  state_.seconds = last_shown_ = watch_.seconds();
  state_.peak = peak_memory();
  if (terminal_)
    std::fprintf(stderr, "\r\033[K%s", bar_line(state_, columns_of_terminal()).c_str());
  else
    std::fprintf(stderr, "%s\n", plain_line(state_).c_str());
  std::fflush(stderr);
  open_ = terminal_;
}

void Progress::line(const std::string& text) {
  if (quiet_)
    return;
  std::fprintf(stderr, open_ ? "\r\033[K%s\n" : "%s\n", text.c_str());
  open_ = false;
}

std::int64_t peak_memory() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  return usage.ru_maxrss * std::int64_t{1024};
}

void forget_peak_memory() {
  ::malloc_trim(0);
  std::ofstream("/proc/self/clear_refs") << "5"; // where that is forbidden the peak stays
}

std::string bytes_text(std::int64_t bytes) {
  char text[32];
  const auto value = static_cast<double>(bytes);
  if (bytes >= 1'000'000'000)
    std::snprintf(text, sizeof text, "%.2f GB", value / 1e9);
  else if (bytes >= 1'000'000)
    std::snprintf(text, sizeof text, "%.0f MB", value / 1e6);
  else
    std::snprintf(text, sizeof text, "%.0f kB", value / 1e3);
  return text;
}

std::string duration_text(double seconds) {
  char text[32];
  if (seconds < 60)
    std::snprintf(text, sizeof text, "%.1f s", seconds);
  else
    std::snprintf(text, sizeof text, "%d min %02d s", static_cast<int>(seconds) / 60,
                  static_cast<int>(seconds) % 60);
  return text;
}

} // namespace latticelens
