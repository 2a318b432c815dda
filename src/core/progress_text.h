// What a progress line says; Progress decides when and where.
#pragma once
#include <cstdint>
#include <string>

namespace latticelens {

struct ProgressState {
  std::string label, unit;          // "quantize", "blocks"
  std::int64_t done = 0, total = 0; // total 0: nobody knows
  std::int64_t skipped = 0;         // done before this run: they do not count in the rate
  double seconds = 0;
  std::int64_t peak = 0; // bytes
  std::string detail;
};

/// "quantize 3/30 blocks, 2.4 s each, 1 min 04 s left, peak 1.10 GB": where there is no terminal.
std::string plain_line(const ProgressState& state);

/// The same with a bar, in at most `columns` columns: what does not fit is left out, bar first.
std::string bar_line(const ProgressState& state, int columns);

} // namespace latticelens
