// The table of roundings, and names to roundings.
#include "core/error.h"
#include "core/words.h"
#include "rounding/descent.h"
#include "rounding/gptq.h"
#include "rounding/hptq.h"
#include "rounding/kbest.h"
#include "rounding/klein.h"
#include "rounding/nearest.h"
#include "rounding/papers.h"
#include "rounding/portfolio.h"
#include "rounding/reduced.h"
#include "rounding/rounding.h"
#include "rounding/ssqr.h"
#include "tensor/quadratic_form.h"
#include "tensor/total.h"
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

const RoundingOption& option_of(const std::string& rounding, const std::string& name) {
  for (const RoundingOption& option : rounding_row(rounding).options)
    if (name == option.name)
      return option;
  throw Error("rounding", rounding + " has no option " + name);
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
  const std::string_view value = setting.substr(equals + 1);
  const RoundingOption& option = option_of(spec.name, found->first);
  if (option.can_be_automatic && value == "auto") {
    found->second = automatic;
    return;
  }
  found->second = parse_number(value, "rounding", whole);
  require(found->second >= 0, "rounding",
          "\"" + std::string(setting) + "\" in \"" + std::string(whole) +
              "\" must not be negative");
}

Moments combined(const Moments& a, const Moments& b, double sign) {
  const auto both = [&](const Tensor& x, const Tensor& y) {
    return x.defined() ? x + sign * y : Tensor();
  };
  Moments result;
  result.gram = both(a.gram, b.gram);
  result.samples = a.samples + (sign < 0 ? -b.samples : b.samples);
  result.cross = both(a.cross, b.cross);
  result.original = both(a.original, b.original);
  result.drift = both(a.drift, b.drift);
  result.original_drift = both(a.original_drift, b.original_drift);
  result.drift_energy = a.drift_energy + sign * b.drift_energy;
  return result;
}

} // namespace

const std::vector<RoundingRow>& roundings() {
  static const RoundingOption damping = {
      "damp", 0.01,
      "lambda as a share of the mean diagonal of H, or auto: least error on tokens held out", true};
  static const std::vector<RoundingRow> table = [] {
    std::vector<RoundingRow> rows = {
        {"nearest", "each weight to its nearest level", false, {}, round_nearest},
        {"gptq",
         "error feedback along the lattice basis (GPTQ, which is Babai's nearest plane)",
         true,
         {damping},
         round_gptq},
        {"kbest",
         "Babai's rule with the K cheapest beginnings of each row kept: a search inside the grid",
         true,
         {{"paths", 8, "K: beginnings kept; 1 is gptq"}, damping},
         round_kbest},
        {"klein",
         "the best of gptq and several randomised passes of it",
         true,
         {{"samples", 8, "randomised passes"},
          {"temperature", 0.01, "of the draws, in mean squared cells"},
          {"seed", 0, "of the draws"},
          damping},
         round_klein},
        {"descent",
         "kbest, then moves of one or two weights until none lowers the error",
         true,
         {{"paths", 1, "K of the search before"},
          {"pairs", 0, "passes over pairs of weights after the single ones"},
          damping},
         round_descent},
        {"portfolio",
         "per row the best of gptq and of kbest in the orders activation and min-pivot, each "
         "descended",
         true,
         {{"paths", 8, "K of the searches"},
          {"pairs", 0, "passes over pairs of weights after the single ones"},
          damping},
         round_portfolio},
    };
    rows.push_back({"reduced",
                    "gptq on an LLL-reduced basis where that stays inside the grid (Birnick): "
                    "integers with one scale a row",
                    true,
                    {{"delta", 0.99, "of Lovász's condition"},
                     {"depth", 1, "of insertions; 1: swaps of neighbours"},
                     damping},
                    round_reduced,
                    grid_packing,
                    check_reduced});
    rows.push_back({"ssqr",
                    "gptq whose overflow is kept as sparse outliers, one factor a row for all its "
                    "scales (Chen et al.)",
                    true,
                    {{"density", 0.01, "of the outliers"}, damping},
                    round_ssqr,
                    sparse_packing});
    rows.push_back({"hptq",
                    "one scale a matrix, integers without a box, Huffman-coded (Chen et al.)",
                    true,
                    {{"bits", 4.25, "per weight on average, code table included"}, damping},
                    round_hptq,
                    huffman_packing});
    for (RoundingRow& row : paper_roundings(damping))
      rows.push_back(std::move(row));
    return rows;
  }();
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
  const std::vector<RoundingOption>& known_options = rounding_row(spec.name).options;
  if (!known_options.empty() && !rest.empty() &&
      rest.substr(0, rest.find(',')).find('=') == rest.npos)
    return parse_rounding(spec.name + ":" + known_options.front().name + "=" + std::string(rest));
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
    text += separator + name + "=" + (value == automatic ? "auto" : shortest(value));
    separator = ',';
  }
  return text;
}

ScaleSpec parse_scales(const std::string& text) {
  constexpr int usual_candidates = 3, most_candidates = 15;
  if (text == "current")
    return {ScaleTime::current};
  if (text == "stale")
    return {ScaleTime::stale};
  if (text == "static")
    return {ScaleTime::fixed};
  if (text == "search")
    return {ScaleTime::search, usual_candidates};
  require(text.starts_with("search:"), "method",
          "scales=" + text +
              " is unknown; write scales=current, stale, static, search or search:CANDIDATES");
  const double count = parse_number(std::string_view(text).substr(7), "method", "scales=" + text);
  require(count >= 2 && count <= most_candidates && count == std::floor(count), "method",
          "scales=" + text + ": from 2 to " + std::to_string(most_candidates) + " candidates");
  return {ScaleTime::search, static_cast<int>(count)};
}

std::string to_text(const ScaleSpec& spec) {
  switch (spec.time) {
  case ScaleTime::current:
    return "current";
  case ScaleTime::stale:
    return "stale";
  case ScaleTime::fixed:
    return "static";
  case ScaleTime::search:
    return "search:" + std::to_string(spec.candidates);
  }
  throw Error("method", "no such scale time");
}

Rounded round_weight(const RoundingSpec& spec, const RoundingProblem& problem) {
  RoundingProblem settled = problem;
  settled.format = problem.format.on(problem.weight);
  return rounding_row(spec.name).round(settled, spec.options);
}

Moments difference(const Moments& all, const Moments& part) {
  return combined(all, part, -1);
}

Moments sum(const Moments& a, const Moments& b) {
  return combined(a, b, 1);
}

double output_error(const Tensor& weight, const Tensor& values, const Moments& moments) {
  const Tensor w = weight.to(at::kDouble), v = values.to(at::kDouble);
  if (!moments.cross.defined())
    return quadratic_form(w - v, moments.gram);
  // vᵀ x̂ x̂ᵀ v - 2 vᵀ x̂ (xᵀ w + r) + |xᵀ w + r|²
  const double error = quadratic_form(v, moments.gram) -
                       2 * total(at::matmul(v, moments.cross) * w) +
                       quadratic_form(w, moments.original);
  if (!moments.drift.defined())
    return error;
  return error - 2 * total(v * moments.drift.t()) + 2 * total(w * moments.original_drift.t()) +
         moments.drift_energy;
}

} // namespace latticelens
