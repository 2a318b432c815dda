// One style of progress for every command, and the time and memory that it tells.
#pragma once
#include "core/progress_text.h"
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

/// Writes to stderr, so that stdout stays a program's own: a bar that is rewritten on a terminal,
/// elsewhere a line every few seconds.
class Progress {
 public:
  /// unit: what is counted, as in "blocks". total: 0 when nobody knows. `quiet`: nothing is
  /// written. Work of less than two seconds leaves nothing behind.
  Progress(std::string label, std::string unit, std::int64_t total, bool quiet);
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;
  /// More of `total` is done.
  void step(const std::string& detail = "", std::int64_t steps = 1);
  /// Steps done before this run: they count as done, but not in the rate.
  void skip(std::int64_t steps);
  /// Ends the rewritten line, so that other output can follow.
  void finish();
  /// A line of its own that stays.
  void line(const std::string& text);

 private:
  bool is_due() const;
  void show();

  ProgressState state_;
  bool quiet_, terminal_, open_ = false;
  Stopwatch watch_;
  double last_shown_ = -1e9;
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
