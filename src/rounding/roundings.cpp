// The table of roundings, and names to roundings.
#include "core/error.h"
#include "rounding/gptq.h"
#include "rounding/nearest.h"
#include "rounding/rounding.h"
#include "tensor/quadratic_form.h"
#include <ATen/ATen.h>
#include <charconv>

namespace latticelens {
namespace {

std::string known() {
  std::string names;
  for (const RoundingRow& row : roundings())
    names += (names.empty() ? "" : ", ") + std::string(row.name);
  return names;
}

double parse_number(std::string_view text, std::string_view whole) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  require(error == std::errc() && end == text.data() + text.size() && std::isfinite(value),
          "rounding",
          "\"" + std::string(text) + "\" in \"" + std::string(whole) + "\" is no number");
  return value;
}

void set_option(RoundingSpec& spec, std::string_view setting, std::string_view whole) {
  const std::size_t equals = setting.find('=');
  const auto found = spec.options.find(std::string(setting.substr(0, equals)));
  std::string names;
  for (const auto& [name, value] : spec.options)
    names += " " + name;
  require(equals != std::string_view::npos && found != spec.options.end(), "rounding",
          "\"" + std::string(setting) + "\" in \"" + std::string(whole) +
              "\" is no option; options of " + spec.name +
              (names.empty() ? ": none" : ":" + names));
  found->second = parse_number(setting.substr(equals + 1), whole);
}

std::string shortest(double value) {
  char text[32];
  return {text, std::to_chars(text, text + sizeof text, value).ptr};
}

} // namespace

const std::vector<RoundingRow>& roundings() {
  static const std::vector<RoundingRow> table = {
      {"nearest", "each weight to its nearest level", false, {}, round_nearest},
      {"gptq",
       "error feedback along the lattice basis (GPTQ, which is Babai's nearest plane)",
       true,
       {{"damp", 0.01, "lambda as a share of the mean diagonal of H"}},
       round_gptq},
  };
  return table;
}

const RoundingRow& rounding_row(const std::string& name) {
  for (const RoundingRow& row : roundings())
    if (name == row.name)
      return row;
  throw Error("rounding", "\"" + name + "\" is unknown; known: " + known());
}

RoundingSpec parse_rounding(std::string_view text) {
  const std::size_t colon = text.find(':');
  RoundingSpec spec{.name = std::string(text.substr(0, colon)), .options = {}};
  for (const RoundingOption& option : rounding_row(spec.name).options)
    spec.options[option.name] = option.fallback;
  if (colon == std::string_view::npos)
    return spec;
  std::string_view rest = text.substr(colon + 1);
  while (true) {
    const std::size_t comma = rest.find(',');
    set_option(spec, rest.substr(0, comma), text);
    if (comma == std::string_view::npos)
      return spec;
    rest.remove_prefix(comma + 1);
  }
}

std::string to_text(const RoundingSpec& spec) {
  std::string text = spec.name;
  char separator = ':';
  for (const auto& [name, value] : spec.options) {
    text += separator + name + "=" + shortest(value);
    separator = ',';
  }
  return text;
}

Rounded round_weight(const RoundingSpec& spec, const RoundingProblem& problem) {
  return rounding_row(spec.name).round(problem, spec.options);
}

double output_error(const Tensor& weight, const Tensor& values, const Moments& moments) {
  const Tensor difference = weight.to(at::kDouble) - values.to(at::kDouble);
  return quadratic_form(difference, moments.gram);
}

} // namespace latticelens
