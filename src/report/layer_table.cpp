#include "report/layer_table.h"

#include "core/error.h"
#include <algorithm>

namespace latticelens::report {
namespace {

constexpr std::size_t kind_limit = 64;
constexpr int colors = 8;

bool is_number(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789") == std::string::npos;
}

std::string kind_name(const std::string& linear) {
  std::string name;
  for (std::size_t start = 0; start <= linear.size();) {
    const std::size_t end = std::min(linear.find('.', start), linear.size());
    const std::string part = linear.substr(start, end - start);
    name += (start > 0 ? "." : "") + (is_number(part) ? "*" : part);
    start = end + 1;
  }
  return name;
}

std::string last_part(const std::string& name) {
  const std::size_t dot = name.rfind('.');
  return dot == std::string::npos ? name : name.substr(dot + 1);
}

std::size_t kind_index(std::vector<Kind>& kinds, const std::string& name) {
  for (std::size_t i = 0; i < kinds.size(); ++i)
    if (kinds[i].name == name)
      return i;
  require(kinds.size() < kind_limit, "report",
          "layers.jsonl: more than " + std::to_string(kind_limit) +
              " kinds of linears; is it a run's file?");
  kinds.push_back({name, name, static_cast<int>(kinds.size()) % colors});
  return kinds.size() - 1;
}

void shorten_labels(std::vector<Kind>& kinds) {
  std::map<std::string, int> seen;
  for (const Kind& kind : kinds)
    ++seen[last_part(kind.name)];
  for (Kind& kind : kinds)
    if (seen[last_part(kind.name)] == 1 && !last_part(kind.name).empty())
      kind.label = last_part(kind.name);
}

} // namespace

void Sums::add(const Sums& other) {
  error += other.error;
  nearest_error += other.nearest_error;
  energy += other.energy;
  weights += other.weights;
  clipped += other.clipped;
  for (const auto& [exponent, count] : other.scale_exponents)
    scale_exponents[exponent] += count;
}

const Sums* LayerTable::find(std::size_t kind, std::int64_t layer) const {
  const auto found = cells.find({kind, layer});
  return found == cells.end() ? nullptr : &found->second;
}

Sums LayerTable::of_kind(std::size_t kind) const {
  Sums sums;
  for (const auto& [place, cell] : cells)
    if (place.first == kind)
      sums.add(cell);
  return sums;
}

Sums LayerTable::of_layer(std::int64_t layer) const {
  Sums sums;
  for (const auto& [place, cell] : cells)
    if (place.second == layer)
      sums.add(cell);
  return sums;
}

Sums LayerTable::total() const {
  Sums sums;
  for (const auto& [place, cell] : cells)
    sums.add(cell);
  return sums;
}

Sums sums_of(const LinearRow& row, bool of_outputs) {
  Sums sums;
  sums.error = of_outputs ? row.error : row.weight_error;
  sums.energy = of_outputs ? row.energy : row.weight_energy;
  sums.nearest_error = of_outputs ? row.nearest_error : absent;
  sums.weights = row.outputs * row.inputs;
  sums.clipped = row.clipped;
  sums.scale_exponents = row.scale_exponents;
  return sums;
}

double median(std::vector<double> values) {
  std::erase_if(values, [](double value) { return !known(value); });
  if (values.empty())
    return absent;
  std::sort(values.begin(), values.end());
  const std::size_t half = values.size() / 2;
  return values.size() % 2 == 1 ? values[half] : (values[half - 1] + values[half]) / 2;
}

double median_relative_error(const RunData& run, bool of_outputs) {
  std::vector<double> values;
  for (const LinearRow& row : run.linears)
    values.push_back(sums_of(row, of_outputs).relative_error());
  return median(std::move(values));
}

double median_of_nearest(const RunData& run) {
  std::vector<double> values;
  for (const LinearRow& row : run.linears)
    values.push_back(row.error / row.nearest_error);
  return median(std::move(values));
}

LayerTable layer_table(const RunData& run) {
  LayerTable table;
  table.has_rows = !run.linears.empty();
  table.of_outputs =
      table.has_rows && std::all_of(run.linears.begin(), run.linears.end(), [](const auto& row) {
        return known(row.error) && known(row.energy);
      });
  for (const LinearRow& row : run.linears) {
    const std::size_t kind = kind_index(table.kinds, kind_name(row.linear));
    table.cells[{kind, row.layer}].add(sums_of(row, table.of_outputs));
    table.layers = std::max(table.layers, row.layer + 1);
  }
  shorten_labels(table.kinds);
  return table;
}

} // namespace latticelens::report
