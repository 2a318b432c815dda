// Medians of alternating repeats.
#pragma once
#include "core/progress.h"
#include <algorithm>
#include <map>
#include <string>
#include <vector>

namespace latticelens {

class Timings {
 public:
  template<class Work>
  void measure(const std::string& name, const Work& work) {
    const Stopwatch watch;
    work();
    seconds_[name].push_back(watch.seconds());
  }
  double median(const std::string& name) const {
    std::vector<double> sorted = seconds_.at(name);
    std::sort(sorted.begin(), sorted.end());
    return sorted[sorted.size() / 2];
  }

 private:
  std::map<std::string, std::vector<double>> seconds_;
};

} // namespace latticelens
