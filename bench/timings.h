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
  void add(const std::string& name, double seconds) { seconds_[name].push_back(seconds); }
  template<class Work>
  void measure(const std::string& name, const Work& work) {
    const Stopwatch watch;
    work();
    seconds_[name].push_back(watch.seconds());
  }
  double median(const std::string& name) const { return middle(seconds_.at(name)); }
  /// Of the ratios in each repeat: what slows the machine for a while slows both.
  double median_ratio(const std::string& name, const std::string& other) const {
    std::vector<double> ratios = seconds_.at(name);
    for (std::size_t i = 0; i < ratios.size(); ++i)
      ratios[i] /= seconds_.at(other).at(i);
    return middle(std::move(ratios));
  }

 private:
  static double middle(std::vector<double> values) {
    std::sort(values.begin(), values.end());
    return values[values.size() / 2];
  }
  std::map<std::string, std::vector<double>> seconds_;
};

} // namespace latticelens
