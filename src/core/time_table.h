// Where the time of a run went, by named activity.
#pragma once
#include "core/json.h"
#include "core/progress.h"
#include <string>
#include <utility>
#include <vector>

namespace latticelens {

class TimeTable {
 public:
  /// Runs `work` and adds its seconds to `activity`.
  template<typename Work>
  auto measure(const char* activity, Work&& work) {
    const Timer timer{*this, activity, {}};
    return work();
  }
  void add(const std::string& activity, double seconds);
  double seconds(const std::string& activity) const;
  Json to_json() const; // activity -> seconds, in order of first use

 private:
  struct Timer {
    TimeTable& table;
    const char* activity;
    Stopwatch watch;
    ~Timer() { table.add(activity, watch.seconds()); }
  };
  std::vector<std::pair<std::string, double>> rows_;
};

} // namespace latticelens
