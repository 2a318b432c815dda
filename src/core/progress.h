// One style of progress for every command: on a terminal one line that is rewritten, elsewhere a
// line at a time.
#pragma once
#include <chrono>
#include <cstdint>
#include <string>

namespace latticelens {

class Stopwatch {
 public:
  double seconds() const {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
  }

 private:
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

/// Writes to stderr, so that stdout stays a program's own.
class Progress {
 public:
  /// `quiet`: nothing is written.
  Progress(std::string label, std::int64_t total, bool quiet);
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;
  /// One more of `total` is done; steps done before this run count in `done` but not in the rate.
  void step(const std::string& detail = "");
  void skip(std::int64_t steps) {
    skipped_ += steps;
    done_ += steps;
  }
  /// Ends the rewritten line, so that other output can follow.
  void finish();
  /// A line of its own that stays.
  void line(const std::string& text);

 private:
  std::string label_;
  std::int64_t total_, done_ = 0, skipped_ = 0;
  bool quiet_, terminal_, open_ = false;
  Stopwatch watch_;
  double last_line_ = -1e9;
};

/// The largest resident memory this process has had, in bytes, since its start or
/// forget_peak_memory.
std::int64_t peak_memory();

/// Starts peak_memory anew from what is in use; freed memory is given back first.
void forget_peak_memory();

/// "1.5 GB", "312 MB".
std::string bytes_text(std::int64_t bytes);

/// "4.1 s", "3 min 20 s".
std::string duration_text(double seconds);

} // namespace latticelens
