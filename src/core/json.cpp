#include "core/json.h"

#include "core/error.h"
#include "core/files.h"
#include <algorithm>
#include <limits>
#include <unordered_set>
#include <vector>

namespace latticelens {
namespace {

constexpr std::size_t depth_limit = 64;

// The library's own parser looks through all earlier keys for each new one (a vocabulary of 128,000
// tokens takes minutes) and builds bombs before it can refuse them; this one appends, and checks
// depth and duplicate keys as it goes.
class Builder : public nlohmann::json_sax<Json> {
 public:
  explicit Builder(std::string where) : where_(std::move(where)) {}
  Json take() { return std::move(root_); }
  bool null() override { return append(nullptr); }
  bool boolean(bool value) override { return append(value); }
  bool number_integer(number_integer_t value) override { return append(value); }
  bool number_unsigned(number_unsigned_t value) override { return append(value); }
  bool number_float(number_float_t value, const string_t&) override { return append(value); }
  bool string(string_t& value) override { return append(std::move(value)); }
  bool binary(binary_t&) override { return false; } // JSON text has none
  bool start_object(std::size_t) override { return enter(Json::object()); }
  bool end_object() override { return leave(); }
  bool start_array(std::size_t) override { return enter(Json::array()); }
  bool end_array() override { return leave(); }
  bool key(string_t& name) override {
    if (!open_.back().keys.insert(name).second)
      throw Error("json", where_ + ": key \"" + name + "\" stands twice in one object");
    open_.back().key = std::move(name);
    return true;
  }
  bool parse_error(std::size_t position, const std::string&, const Json::exception& e) override {
    throw Error("json", where_ + ": not valid JSON at byte " + std::to_string(position) + " (" +
                            e.what() + "); incomplete download?");
  }

 private:
  struct Open {
    Json* value;
    std::unordered_set<std::string> keys;
    std::string key; // of the member whose value comes next
  };
  Json* place(Json value) {
    if (open_.empty())
      return &(root_ = std::move(value));
    Open& parent = open_.back();
    if (parent.value->is_array())
      return &parent.value->get_ref<Json::array_t&>().emplace_back(std::move(value));
    auto& members = parent.value->get_ref<Json::object_t&>();
    Json::object_t::Container& list = members; // its own emplace would search for the key
    list.emplace_back(std::move(parent.key), std::move(value));
    return &list.back().second;
  }
  bool append(Json value) {
    place(std::move(value));
    return true;
  }
  bool enter(Json container) {
    if (open_.size() >= depth_limit)
      throw Error("json",
                  where_ + ": nested deeper than " + std::to_string(depth_limit) + " levels");
    Json* placed = place(std::move(container));
    open_.push_back({placed, {}, {}});
    return true;
  }
  bool leave() {
    open_.pop_back();
    return true;
  }
  std::string where_;
  Json root_;
  std::vector<Open> open_;
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
std::vector<std::string> read(const Json& value, const std::string& key, const std::string& where) {
  const bool fits = value.is_array() && std::all_of(value.begin(), value.end(),
                                                    [](const Json& v) { return v.is_string(); });
  return convert<std::vector<std::string>>(value, key, where, "a list of strings", fits);
}
template<>
Json read(const Json& value, const std::string&, const std::string&) {
  return value;
}

} // namespace

Json parse_json(std::string_view text, const std::string& where) {
  Builder builder(where);
  Json::sax_parse(text.begin(), text.end(), &builder);
  return builder.take();
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
template std::vector<std::string> member(const Json&, const std::string&, const std::string&);
template Json member(const Json&, const std::string&, const std::string&);
template std::string member_or(const Json&, const std::string&, std::string, const std::string&);
template bool member_or(const Json&, const std::string&, bool, const std::string&);
template double member_or(const Json&, const std::string&, double, const std::string&);
template std::int64_t member_or(const Json&, const std::string&, std::int64_t, const std::string&);
template Json member_or(const Json&, const std::string&, Json, const std::string&);

} // namespace latticelens
