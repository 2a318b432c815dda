#include "report/chart_canvas.h"

#include <algorithm>

namespace latticelens::report {
namespace {

const char* anchor_name(Anchor anchor) {
  return anchor == Anchor::start ? "start" : anchor == Anchor::middle ? "middle" : "end";
}

Markup tooltip_of(const std::string& tooltip) {
  return tooltip.empty() ? Markup() : element("title", {}, tooltip);
}

bool is_continuation(char c) {
  return (static_cast<unsigned char>(c) & 0xC0) == 0x80;
}

} // namespace

Markup picture(double width, double height, const std::string& description, const Markup& marks,
               const std::string& style_class) {
  return element("svg",
                 {{"viewBox", "0 0 " + coordinate(width) + " " + coordinate(height)},
                  {"class", style_class},
                  {"role", "img"},
                  {"aria-label", description}},
                 marks);
}

Markup text_mark(Place at, const std::string& text, Anchor anchor, const std::string& style_class) {
  return element("text",
                 {{"x", coordinate(at.x)},
                  {"y", coordinate(at.y)},
                  {"text-anchor", anchor_name(anchor)},
                  {"class", style_class}},
                 text);
}

Markup line_mark(Place from, Place to, const std::string& style_class) {
  return element("line", {{"x1", coordinate(from.x)},
                          {"y1", coordinate(from.y)},
                          {"x2", coordinate(to.x)},
                          {"y2", coordinate(to.y)},
                          {"class", style_class}});
}

Markup box_mark(const Box& box, const std::string& style_class, const std::string& tooltip) {
  return element("rect",
                 {{"x", coordinate(box.left)},
                  {"y", coordinate(box.top)},
                  {"width", coordinate(std::max(0.0, box.right - box.left))},
                  {"height", coordinate(std::max(0.0, box.bottom - box.top))},
                  {"class", style_class}},
                 tooltip_of(tooltip));
}

Markup dot_mark(Place at, double radius, const std::string& style_class,
                const std::string& tooltip) {
  return element("circle",
                 {{"cx", coordinate(at.x)},
                  {"cy", coordinate(at.y)},
                  {"r", coordinate(radius)},
                  {"class", style_class}},
                 tooltip_of(tooltip));
}

Markup path_mark(const std::vector<Place>& places, const std::string& style_class) {
  std::string steps;
  bool drawing = false;
  for (const Place& place : places) {
    const bool finite = known(place.x) && known(place.y);
    if (finite)
      steps += (drawing ? "L" : "M") + coordinate(place.x) + " " + coordinate(place.y);
    drawing = finite;
  }
  return steps.empty() ? Markup() : element("path", {{"d", steps}, {"class", style_class}});
}

Markup vertical_axis(const Box& plot, const Axis& axis, const Label& label, int wanted) {
  Markup marks;
  for (const double tick : axis.ticks(wanted)) {
    const double y = axis.at(tick);
    marks += line_mark({plot.left, y}, {plot.right, y}, "grid");
    marks += text_mark({plot.left - 6, y + 4}, label(tick), Anchor::end, "tick");
  }
  return marks;
}

Markup horizontal_axis(const Box& plot, const Axis& axis, const Label& label, int wanted,
                       bool grid) {
  Markup marks;
  for (const double tick : axis.ticks(wanted)) {
    const double x = axis.at(tick);
    if (grid)
      marks += line_mark({x, plot.top}, {x, plot.bottom}, "grid");
    marks += text_mark({x, plot.bottom + 16}, label(tick), Anchor::middle, "tick");
  }
  return marks;
}

double text_width(std::string_view text, double font_size) {
  double width = 0;
  for (const char c : text)
    if (!is_continuation(c))
      width += static_cast<unsigned char>(c) >= 0xE3 ? 1.0 : 0.56;
  return width * font_size;
}

std::string shortened(const std::string& text, std::size_t characters) {
  std::vector<std::string> all;
  for (const char c : printable(text)) {
    if (!is_continuation(c))
      all.emplace_back();
    all.back() += c;
  }
  if (all.size() <= characters)
    return text;
  std::string result;
  const std::size_t head = (characters - 1) / 2, tail = characters - 1 - head;
  for (std::size_t i = 0; i < head; ++i)
    result += all[i];
  result += "…";
  for (std::size_t i = all.size() - tail; i < all.size(); ++i)
    result += all[i];
  return result;
}

} // namespace latticelens::report
