// Reading the typed objects ("components") that a tokenizer.json is made of.
#pragma once
#include "core/json.h"
#include <initializer_list>
#include <string>

namespace latticelens {

/// Error naming the first key that is neither "type" nor among `known`: a setting that is not
/// understood must not be passed over.
void refuse_other_keys(const Json& component, std::initializer_list<const char*> known,
                       const std::string& where);

/// Throws the Error for a component of a type that is not supported; `known` lists those that are.
[[noreturn]] void refuse_component(const std::string& part, const std::string& type,
                                   const std::string& known, const std::string& where);

/// A member that must be an array. Error: absent or something else.
const Json& array_member(const Json& object, const std::string& key, const std::string& where);

/// The "String" of a pattern {"String": ...}, else the "Regex" of {"Regex": ...} with `is_regex`
/// set. Errors: neither, an empty string.
std::string pattern_member(const Json& object, bool& is_regex, const std::string& where);

} // namespace latticelens
