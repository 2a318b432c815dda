#include "core/json.h"

#include "core/error.h"
#include "core/files.h"
#include <limits>
#include <set>

namespace latticelens {
namespace {

constexpr int depth_limit = 64;

// nlohmann's callback parser would build values first; this SAX pass refuses bombs and duplicate
// keys before that.
class Validator : public nlohmann::json_sax<Json> {
 public:
  explicit Validator(std::string where) : where_(std::move(where)) {}
  bool null() override { return true; }
  bool boolean(bool) override { return true; }
  bool number_integer(number_integer_t) override { return true; }
  bool number_unsigned(number_unsigned_t) override { return true; }
  bool number_float(number_float_t, const string_t&) override { return true; }
  bool string(string_t&) override { return true; }
  bool binary(binary_t&) override { return true; }
  bool start_object(std::size_t) override { return enter(); }
  bool end_object() override { return leave(); }
  bool start_array(std::size_t) override { return enter(); }
  bool end_array() override { return leave(); }
  bool key(string_t& name) override {
    if (!keys_.back().insert(name).second)
      throw Error("json", where_ + ": key \"" + name + "\" stands twice in one object");
    return true;
  }
  bool parse_error(std::size_t position, const std::string&, const Json::exception& e) override {
    throw Error("json", where_ + ": not valid JSON at byte " + std::to_string(position) + " (" +
                            e.what() + "); incomplete download?");
  }

 private:
  bool enter() {
    keys_.emplace_back();
    if (keys_.size() > depth_limit)
      throw Error("json",
                  where_ + ": nested deeper than " + std::to_string(depth_limit) + " levels");
    return true;
  }
  bool leave() {
    keys_.pop_back();
    return true;
  }
  std::string where_;
  std::vector<std::set<std::string>> keys_;
};

template<typename T>
T convert(const Json& value, const std::string& key, const std::string& where, const char* wanted,
          bool fits) {
  if (!fits)
    throw Error("json",
                where + ": \"" + key + "\" should be " + wanted + ", not " + value.type_name());
  return value.get<T>();
}

template<typename T>
T read(const Json& value, const std::string& key, const std::string& where);
template<>
std::string read(const Json& value, const std::string& key, const std::string& where) {
  return convert<std::string>(value, key, where, "a string", value.is_string());
}
template<>
bool read(const Json& value, const std::string& key, const std::string& where) {
  return convert<bool>(value, key, where, "true or false", value.is_boolean());
}
template<>
double read(const Json& value, const std::string& key, const std::string& where) {
  return convert<double>(value, key, where, "a number", value.is_number());
}
template<>
std::int64_t read(const Json& value, const std::string& key, const std::string& where) {
  const bool fits = value.is_number_unsigned()
                        ? value.get<std::uint64_t>() <= std::numeric_limits<std::int64_t>::max()
                        : value.is_number_integer();
  return convert<std::int64_t>(value, key, where, "an integer", fits);
}
template<>
Json read(const Json& value, const std::string&, const std::string&) {
  return value;
}

} // namespace

Json parse_json(std::string_view text, const std::string& where) {
  Validator validator(where);
  Json::sax_parse(text.begin(), text.end(), &validator);
  return Json::parse(text.begin(), text.end());
}

Json read_json(const std::filesystem::path& path, std::uintmax_t size_limit) {
  return parse_json(read_text(path, size_limit), path.string());
}

std::string to_text(const Json& json) {
  return json.dump(-1, ' ', false);
}

template<typename T>
T member(const Json& object, const std::string& key, const std::string& where) {
  if (!object.is_object())
    throw Error("json", where + ": should be an object, not " + object.type_name());
  const auto found = object.find(key);
  if (found == object.end())
    throw Error("json", where + ": \"" + key + "\" is missing");
  return read<T>(*found, key, where);
}

template<typename T>
T member_or(const Json& object, const std::string& key, T fallback, const std::string& where) {
  if (!object.is_object())
    throw Error("json", where + ": should be an object, not " + object.type_name());
  const auto found = object.find(key);
  if (found == object.end() || found->is_null())
    return fallback;
  return read<T>(*found, key, where);
}

template std::string member(const Json&, const std::string&, const std::string&);
template bool member(const Json&, const std::string&, const std::string&);
template double member(const Json&, const std::string&, const std::string&);
template std::int64_t member(const Json&, const std::string&, const std::string&);
template Json member(const Json&, const std::string&, const std::string&);
template std::string member_or(const Json&, const std::string&, std::string, const std::string&);
template bool member_or(const Json&, const std::string&, bool, const std::string&);
template double member_or(const Json&, const std::string&, double, const std::string&);
template std::int64_t member_or(const Json&, const std::string&, std::int64_t, const std::string&);
template Json member_or(const Json&, const std::string&, Json, const std::string&);

} // namespace latticelens
