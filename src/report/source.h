// Reading a JSON file of this program with errors that name the file, the line and the member.
#pragma once
#include "core/error.h"
#include "core/json.h"
#include "report/numbers.h"

namespace latticelens::report {

/// Far above any model; below it no sum overflows.
constexpr std::int64_t count_limit = std::int64_t{1} << 53;

/// A JSON object and the words that errors about it start with.
struct Source {
  const Json& json;
  std::string where;

  [[noreturn]] void fail(const std::string& key, const std::string& reason) const {
    throw Error("report", where + ": \"" + key + "\" " + reason +
                              "; the file is damaged or not this program's, write it again");
  }
  std::string text(const std::string& key) const {
    return member_or<std::string>(json, key, "", where);
  }
  bool flag(const std::string& key) const { return member_or<bool>(json, key, false, where); }
  double number(const std::string& key) const {
    return member_or<double>(json, key, absent, where);
  }
  double not_negative(const std::string& key, double limit = 1e300) const {
    const double value = number(key);
    if (known(value) && (value < 0 || value > limit))
      fail(key, "is " + to_text(value) + ", outside 0 to " + to_text(limit));
    return value;
  }
  /// Missing or null is 0.
  std::int64_t count(const std::string& key, std::int64_t limit = count_limit) const {
    const auto value = member_or<std::int64_t>(json, key, 0, where);
    if (value < 0 || value > limit)
      fail(key, "is " + to_text(value) + ", outside 0 to " + to_text(limit));
    return value;
  }
  bool has(const std::string& key) const {
    return json.is_object() && json.contains(key) && !json[key].is_null();
  }
  Json array(const std::string& key) const {
    Json value = member_or<Json>(json, key, Json::array(), where);
    if (!value.is_array())
      fail(key, std::string("should be a list, not ") + value.type_name());
    return value;
  }
  Json object(const std::string& key) const {
    Json value = member_or<Json>(json, key, Json::object(), where);
    if (!value.is_object())
      fail(key, std::string("should be an object, not ") + value.type_name());
    return value;
  }
};

/// A list of strings.
std::vector<std::string> texts_of(const Source& source, const std::string& key);

/// A list of numbers. A null is a NaN that JSON could not hold.
std::vector<double> numbers_of(const Source& source, const std::string& key);

} // namespace latticelens::report
