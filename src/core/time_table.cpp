#include "core/time_table.h"

namespace latticelens {

void TimeTable::add(const std::string& activity, double seconds) {
  for (auto& [name, sum] : rows_)
    if (name == activity) {
      sum += seconds;
      return;
    }
  rows_.emplace_back(activity, seconds);
}

double TimeTable::seconds(const std::string& activity) const {
  for (const auto& [name, sum] : rows_)
    if (name == activity)
      return sum;
  return 0;
}

Json TimeTable::to_json() const {
  Json json = Json::object();
  for (const auto& [name, sum] : rows_)
    json[name] = sum;
  return json;
}

} // namespace latticelens
