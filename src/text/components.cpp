#include "text/components.h"

#include "core/error.h"
#include <algorithm>

namespace latticelens {

void refuse_other_keys(const Json& component, std::initializer_list<const char*> known,
                       const std::string& where) {
  require(component.is_object(), "tokenizer",
          where + ": a component should be an object, not " + component.type_name());
  for (const auto& [key, value] : component.items()) {
    const std::string& name = key;
    const bool expected = name == "type" || std::any_of(known.begin(), known.end(),
                                                        [&](const char* k) { return name == k; });
    require(expected, "tokenizer",
            where + ": setting \"" + name + "\" of " +
                member_or<std::string>(component, "type", "a component", where) +
                " is not supported");
  }
}

void refuse_component(const std::string& part, const std::string& type, const std::string& known,
                      const std::string& where) {
  throw Error("tokenizer",
              where + ": " + part + " \"" + type + "\" is not supported; known: " + known);
}

const Json& array_member(const Json& object, const std::string& key, const std::string& where) {
  const auto found = object.find(key);
  require(found != object.end() && found->is_array(), "tokenizer",
          where + ": \"" + key + "\" should be an array");
  return *found;
}

std::string pattern_member(const Json& object, bool& is_regex, const std::string& where) {
  const Json pattern = member<Json>(object, "pattern", where);
  is_regex = pattern.is_object() && pattern.contains("Regex");
  const auto text = member<std::string>(pattern, is_regex ? "Regex" : "String", where);
  require(!text.empty(), "tokenizer", where + ": an empty pattern");
  return text;
}

} // namespace latticelens
