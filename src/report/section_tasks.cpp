#include "report/blocks.h"
#include "report/sections.h"

namespace latticelens::report {
namespace {

/// "65.0 ± 4.8 %"; a dash when absent.
std::string accuracy_text(double value, double error) {
  if (!known(value))
    return "–";
  return fixed(100 * value, 1) + (known(error) ? " ± " + fixed(100 * error, 1) : "") + "\u00a0%";
}

std::string count_text(std::optional<std::int64_t> count) {
  return count ? whole(*count) : "–";
}

std::vector<Markup> cells_of(const std::string& name, const std::string& items,
                             const std::string& metric, const TaskMetric& row) {
  return {name,
          items,
          metric,
          accuracy_text(row.value, row.standard_error),
          accuracy_text(row.original, row.original_standard_error),
          count_text(row.lost),
          count_text(row.gained),
          significant(row.p, 2)};
}

Markup table_of(const TasksRow& row) {
  std::vector<std::vector<Markup>> rows;
  for (const TaskRow& task : row.tasks)
    for (const auto& [metric, numbers] : task.metrics)
      rows.push_back(cells_of(task.name, whole(task.items), metric, numbers));
  rows.push_back(cells_of("mean", "", "", row.mean));
  return table("Questions of multiple choice: share of right answers ± one standard error",
               {{"task"},
                {"items", true},
                {"metric"},
                {"this run", true},
                {"original", true},
                {"lost", true},
                {"gained", true},
                {"p", true}},
               rows);
}

std::string finding_of(const TasksRow& row) {
  const TaskMetric& mean = row.mean;
  std::string text = "The mean accuracy over " +
                     count_of(static_cast<std::int64_t>(row.tasks.size()), "task") + " is " +
                     accuracy_text(mean.value, mean.standard_error);
  if (!known(mean.original))
    return text + ".";
  text += ", the original’s " + accuracy_text(mean.original, mean.original_standard_error);
  if (mean.lost && mean.gained && known(mean.p))
    text += "; " + whole(*mean.lost) + " right answers were lost and " + whole(*mean.gained) +
            " gained (p = " + significant(mean.p, 2) + ")";
  return text + ".";
}

} // namespace

Markup tasks_section(const View& view) {
  if (view.run.tasks.empty())
    return {};
  const TasksRow& row = view.run.tasks.back();
  Markup content = table_of(row);
  content += paragraph("Lost: questions that only the original answers rightly; gained: only this "
                       "run. p is McNemar’s exact test, two-sided: how often chance alone would "
                       "change the answers so unevenly. The mean is over tasks, of acc_norm where "
                       "there is one, else of acc.",
                       "soft");
  if (row.against.empty())
    content +=
        paragraph("Not compared with an original; evaluate --tasks with --against does.", "soft");
  return section("tasks", "Questions of multiple choice", finding_of(row), content);
}

} // namespace latticelens::report
