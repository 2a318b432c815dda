#include "sae/coder_names.h"

#include "core/error.h"
#include <utility>

namespace latticelens {
namespace {

constexpr std::pair<Selection, const char*> selections[] = {
    {Selection::top_k, "top_k"},
    {Selection::batch_top_k, "batch_top_k"},
    {Selection::threshold, "threshold"},
};

constexpr std::pair<InputScaling, const char*> scalings[] = {
    {InputScaling::none, "none"},
    {InputScaling::unit_norm, "unit_norm"},
    {InputScaling::mean_norm, "mean_norm"},
};

template<typename Table, typename Value>
const char* find_name(const Table& table, Value value) {
  for (const auto& [one, name] : table)
    if (one == value)
      return name;
  return "";
}

template<typename Table>
auto find_value(const Table& table, const std::string& name, const std::string& where) {
  std::string names;
  for (const auto& [value, one] : table) {
    if (name == one)
      return value;
    names += (names.empty() ? "" : ", ") + std::string(one);
  }
  throw Error("sae", where + ": \"" + name + "\" is not known; the names are " + names);
}

} // namespace

const char* name_of(Selection selection) {
  return find_name(selections, selection);
}

const char* name_of(InputScaling scaling) {
  return find_name(scalings, scaling);
}

Selection selection_named(const std::string& name, const std::string& where) {
  return find_value(selections, name, where);
}

InputScaling input_scaling_named(const std::string& name, const std::string& where) {
  return find_value(scalings, name, where);
}

} // namespace latticelens
