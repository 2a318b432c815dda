#include "report/blocks.h"
#include "report/chart_scatter.h"
#include "report/sections.h"
#include <algorithm>

namespace latticelens::report {
namespace {

struct Entry {
  const RunData* run;
  const EvaluationRow* evaluation;
  std::string name;

  double of_evaluation(double EvaluationRow::*field) const {
    return evaluation != nullptr ? evaluation->*field : absent;
  }
};

/// The folder's own name, or its path where two runs have the same.
std::string name_of(const RunData& run, const std::vector<const RunData*>& runs) {
  const std::string name = file_name(run.folder.string());
  const auto same = std::count_if(runs.begin(), runs.end(), [&](const RunData* other) {
    return file_name(other->folder.string()) == name;
  });
  return same > 1 ? run.folder.string() : name;
}

std::vector<Entry> entries_of(const View& view) {
  std::vector<const RunData*> runs = {&view.run};
  for (const RunData& run : view.compared)
    runs.push_back(&run);
  std::vector<Entry> entries;
  for (const RunData* run : runs)
    entries.push_back({run, main_evaluation(*run), name_of(*run, runs)});
  return entries;
}

double best_of(const std::vector<double>& values, bool lowest) {
  double best = absent;
  for (const double value : values)
    if (known(value) && (!known(best) || (lowest ? value < best : value > best)))
      best = value;
  return best;
}

/// A column of numbers with the best one in bold.
std::vector<Markup> column_of(const std::vector<double>& values, const Label& label,
                              bool lowest = true) {
  const double best = best_of(values, lowest), worst = best_of(values, !lowest);
  std::vector<Markup> cells;
  for (const double value : values)
    cells.push_back(value == best && best != worst ? element("strong", {}, label(value))
                                                   : Markup(label(value)));
  return cells;
}

template<typename Read>
std::vector<double> numbers_of(const std::vector<Entry>& entries, Read read) {
  std::vector<double> numbers;
  for (const Entry& entry : entries)
    numbers.push_back(read(entry));
  return numbers;
}

Markup runs_table(const std::vector<Entry>& entries) {
  const auto evaluated = [&](double EvaluationRow::*field) {
    return numbers_of(entries, [&](const Entry& entry) { return entry.of_evaluation(field); });
  };
  const auto recorded = [&](double RunData::*field) {
    return numbers_of(entries, [&](const Entry& entry) { return entry.run->*field; });
  };
  const std::vector<std::vector<Markup>> columns = {
      column_of(evaluated(&EvaluationRow::perplexity), [](double v) { return fixed(v, 2); }),
      column_of(evaluated(&EvaluationRow::kl), [](double v) { return fixed(v, 4); }),
      column_of(
          evaluated(&EvaluationRow::top1_agreement), [](double v) { return percent(v); }, false),
      column_of(recorded(&RunData::model_bytes), size_text),
      column_of(recorded(&RunData::seconds), time_text),
      column_of(recorded(&RunData::peak_memory), size_text)};
  std::vector<std::vector<Markup>> rows;
  for (std::size_t i = 0; i < entries.size(); ++i) {
    rows.push_back({entries[i].name, method_name(*entries[i].run), model_name(*entries[i].run)});
    for (const std::vector<Markup>& column : columns)
      rows.back().push_back(column[i]);
  }
  return table("Runs beside each other; the best of each column is bold",
               {{"run"},
                {"method"},
                {"model"},
                {"perplexity", true},
                {"KL divergence", true},
                {"top token agrees", true},
                {"size", true},
                {"time", true},
                {"peak memory", true}},
               rows);
}

/// Time, unless the sizes differ enough to be the more telling price.
bool size_is_the_price(const std::vector<Entry>& entries) {
  const std::vector<double> sizes =
      numbers_of(entries, [](const Entry& entry) { return entry.run->model_bytes; });
  const double low = best_of(sizes, true), high = best_of(sizes, false);
  return known(low) && high > 1.05 * low;
}

std::string seconds_label(double value) {
  return value < 60 ? trimmed(value) + " s" : time_text(value);
}

std::string dot_name(const Entry& entry) {
  const std::string method = method_name(*entry.run);
  return entry.name == method ? method : entry.name + " (" + method + ")";
}

Markup scatter_of(const std::vector<Entry>& entries) {
  const bool by_size = size_is_the_price(entries);
  ScatterChart chart{.x_title = by_size ? "size of the model folder" : "time to quantize",
                     .y_title = "KL divergence from the original, nats per token",
                     .x_label = by_size ? Label(size_text) : Label(seconds_label),
                     .y_label = [](double value) { return trimmed(value); }};
  chart.description = chart.y_title + " against " + chart.x_title;
  std::size_t drawn = 0;
  for (const Entry& entry : entries) {
    const double x = by_size ? entry.run->model_bytes : entry.run->seconds;
    const double y = entry.of_evaluation(&EvaluationRow::kl);
    drawn += known(x) && known(y) ? 1 : 0;
    chart.dots.push_back({dot_name(entry), x, y, entry.run == entries[0].run});
    chart.description += "; " + entry.name + ": " + significant(y);
  }
  if (drawn < 2)
    return paragraph("A chart needs two runs that were evaluated against their original.", "soft");
  return figure(chart.description, scatter_chart(chart),
                "Lower left is better. The run of this page is filled.");
}

bool same_evaluation(const Entry& a, const Entry& b) {
  if (a.evaluation == nullptr || b.evaluation == nullptr)
    return true;
  return a.evaluation->window == b.evaluation->window &&
         file_names(a.evaluation->text) == file_names(b.evaluation->text) &&
         a.evaluation->window_loss.size() == b.evaluation->window_loss.size();
}

Markup warning_of(const std::vector<Entry>& entries) {
  std::string others;
  for (const Entry& entry : entries)
    if (!same_evaluation(entries[0], entry))
      others += (others.empty() ? "" : ", ") + entry.name;
  if (others.empty())
    return {};
  return paragraph("Not the same measurement: " + others +
                       " was evaluated on another text or other windows than " + entries[0].name +
                       ", so their losses do not compare.",
                   "alarm");
}

} // namespace

Markup compare_section(const View& view) {
  if (view.compared.empty())
    return {};
  const std::vector<Entry> entries = entries_of(view);
  return section("compare", "Beside other runs", {},
                 warning_of(entries) + runs_table(entries) + scatter_of(entries));
}

} // namespace latticelens::report
