#include "core/progress.h"

#include <cstdio>
#include <fstream>
#include <malloc.h>
#include <sys/resource.h>
#include <unistd.h>

namespace latticelens {
namespace {

constexpr double seconds_between_lines = 5; // where there is no terminal

} // namespace

Progress::Progress(std::string label, std::int64_t total, bool quiet)
    : label_(std::move(label)), total_(total), quiet_(quiet),
      terminal_(::isatty(STDERR_FILENO) != 0) {}

Progress::~Progress() {
  finish();
}

void Progress::finish() {
  if (open_)
    std::fputc('\n', stderr);
  open_ = false;
}

void Progress::step(const std::string& detail) {
  ++done_;
  if (quiet_)
    return;
  const double elapsed = watch_.seconds();
  if (!terminal_ && done_ < total_ && elapsed - last_line_ < seconds_between_lines)
    return;
  last_line_ = elapsed;
  const double seconds_a_step = elapsed / static_cast<double>(done_ - skipped_);
  const std::string left =
      done_ < total_ ? duration_text(seconds_a_step * static_cast<double>(total_ - done_)) + " left"
                     : "in " + duration_text(elapsed);
  const std::string text = label_ + " " + std::to_string(done_) + "/" + std::to_string(total_) +
                           (detail.empty() ? "" : "  " + detail) + "  " + left + ", peak " +
                           bytes_text(peak_memory());
  std::fprintf(stderr, terminal_ ? "\r\033[K%s" : "%s\n", text.c_str());
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
