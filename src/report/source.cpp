#include "report/source.h"

namespace latticelens::report {

std::vector<std::string> texts_of(const Source& source, const std::string& key) {
  std::vector<std::string> texts;
  for (const Json& item : source.array(key)) {
    if (!item.is_string())
      source.fail(key, "should hold strings");
    texts.push_back(item.get<std::string>());
  }
  return texts;
}

std::vector<double> numbers_of(const Source& source, const std::string& key) {
  std::vector<double> numbers;
  for (const Json& item : source.array(key)) {
    if (!item.is_number() && !item.is_null())
      source.fail(key, "should hold numbers");
    numbers.push_back(item.is_null() ? absent : item.get<double>());
  }
  return numbers;
}

} // namespace latticelens::report
