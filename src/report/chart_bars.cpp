#include "report/chart_bars.h"

#include <algorithm>

namespace latticelens::report {

Markup bar_chart(const BarChart& chart) {
  double highest = 0, text_room = 0;
  for (const Bar& bar : chart.bars) {
    for (const double value : {bar.value, bar.reference})
      highest = known(value) ? std::max(highest, value) : highest;
    text_room = std::max(text_room, text_width(bar.text, 12) + 10);
  }
  const Axis x(Spacing::linear, {0, highest > 0 ? highest : 1}, chart.name_width,
               std::max(chart.name_width + 40, chart.width - text_room));
  Markup marks;
  double top = 2;
  for (const Bar& bar : chart.bars) {
    const double bottom = top + chart.row_height, middle = (top + bottom) / 2;
    const double end = known(bar.value) ? x.at(bar.value) : chart.name_width;
    marks += text_mark({chart.name_width - 8, middle + 4}, bar.name, Anchor::end, "label");
    marks += box_mark({chart.name_width, top + 4, end, bottom - 4}, "bar " + bar.style_class,
                      bar.tooltip);
    double text_start = end;
    if (known(bar.reference)) {
      const double at = x.at(bar.reference);
      marks += line_mark({at, top + 1}, {at, bottom - 1}, "reference");
      text_start = std::max(end, at);
    }
    marks += text_mark({text_start + 6, middle + 4}, bar.text, Anchor::start, "value");
    top = bottom;
  }
  return picture(chart.width, top + 2, chart.description, marks, "chart");
}

} // namespace latticelens::report
