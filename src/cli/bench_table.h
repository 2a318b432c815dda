// The table of bench for people.
#pragma once
#include "core/json.h"
#include <vector>

namespace latticelens {

/// Adds "rtn_excess_removed" to every row whose baseline is among them and has lost something.
void add_shares(std::vector<Json>& rows);

/// Prints on stdout; `width`: of the longest name.
class BenchTable {
 public:
  BenchTable(int width, bool tasks) : width_(width), tasks_(tasks) {}
  void head() const;
  /// A finished or skipped row.
  void row(const Json& row) const;
  /// The original's, from any finished row.
  void original(const Json& row) const;

 private:
  int width_;
  bool tasks_;
};

} // namespace latticelens
