#include "report/blocks.h"
#include "report/chart_bars.h"
#include "report/next_step.h"
#include "report/sections.h"
#include <algorithm>

namespace latticelens::report {
namespace {

struct Activity {
  std::string name;
  double seconds = 0, share = absent;
};

std::vector<Activity> activities_of(const RunData& run) {
  std::vector<Activity> activities;
  double measured = 0;
  for (const auto& [name, seconds] : run.times)
    if (known(seconds)) {
      activities.push_back({name, seconds});
      measured += seconds;
    }
  const double total = known(run.seconds) ? std::max(run.seconds, measured) : measured;
  if (total - measured > 0.005 * total)
    activities.push_back({"everything else", total - measured});
  for (Activity& activity : activities)
    activity.share = total > 0 ? activity.seconds / total : absent;
  return activities;
}

Markup time_bars(const std::vector<Activity>& activities) {
  BarChart chart{.description = "Seconds by activity", .width = 720, .name_width = 160};
  for (const Activity& activity : activities) {
    chart.bars.push_back({activity.name,
                          time_text(activity.seconds) + ", " + percent(activity.share, 2), "plain",
                          "", activity.seconds});
    chart.description += "; " + activity.name + " " + time_text(activity.seconds);
  }
  return figure("Time by activity", bar_chart(chart), "Where the time of the run went.");
}

Markup facts_of(const RunData& run) {
  std::vector<std::pair<Markup, Markup>> facts;
  facts.emplace_back("Whole run", time_text(run.seconds));
  facts.emplace_back("Peak memory", size_text(run.peak_memory));
  if (run.threads > 0)
    facts.emplace_back("Threads", whole(run.threads));
  if (run.resumed_blocks > 0)
    facts.emplace_back("Continued", "after " + count_of(run.resumed_blocks, "block") +
                                        " of an earlier, interrupted run: times and memory are "
                                        "those of the last part only");
  return definitions(facts);
}

Markup escalations_table(const RunData& run) {
  std::vector<std::vector<Markup>> rows;
  for (const LinearRow& row : run.linears)
    if (row.escalations > 0)
      rows.push_back({"layer " + std::to_string(row.layer) + ", " + row.linear,
                      whole(row.escalations), significant(row.damping)});
  if (rows.empty())
    return {};
  return paragraph("The damping had to be raised for " +
                   count_of(static_cast<std::int64_t>(rows.size()), "linear") +
                   ": their second moments could not be factored as they were.") +
         table("Raised damping", {{"linear"}, {"times raised", true}, {"damping", true}}, rows);
}

} // namespace

Markup time_section(const View& view) {
  const RunData& run = view.run;
  if (!known(run.seconds) && run.times.empty())
    return section("time", "Time and memory", {},
                   missing("They are written when the run is finished. This finishes it:",
                           quantize_command(run)) +
                       escalations_table(run));
  const std::vector<Activity> activities = activities_of(run);
  const std::string finding = !known(run.seconds)
                                  ? ""
                                  : "The run took " + time_text(run.seconds) + " and at most " +
                                        size_text(run.peak_memory) + " of memory.";
  return section("time", "Time and memory", finding,
                 (activities.empty() ? Markup() : time_bars(activities)) + facts_of(run) +
                     escalations_table(run));
}

} // namespace latticelens::report
