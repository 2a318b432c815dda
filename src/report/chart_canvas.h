// The parts that every chart draws: the picture with its text alternative, texts, lines, rectangles
// with tooltips, and axes.
#pragma once
#include "report/chart_axis.h"
#include "report/markup.h"

namespace latticelens::report {

struct Place {
  double x = 0, y = 0;
};

struct Box {
  double left = 0, top = 0, right = 0, bottom = 0;
};

enum class Anchor { start, middle, end };

/// The <svg> element. `description` is what a screen reader says instead of the picture.
Markup picture(double width, double height, const std::string& description, const Markup& marks,
               const std::string& style_class = "chart");

Markup text_mark(Place at, const std::string& text, Anchor anchor, const std::string& style_class);
Markup line_mark(Place from, Place to, const std::string& style_class);
/// A rectangle that shows `tooltip` (none when empty).
Markup box_mark(const Box& box, const std::string& style_class, const std::string& tooltip);
Markup dot_mark(Place at, double radius, const std::string& style_class,
                const std::string& tooltip);
/// One path through the places, broken where a place is not finite.
Markup path_mark(const std::vector<Place>& places, const std::string& style_class);

/// Grid lines and labels at the left of the plot, a tick each.
Markup vertical_axis(const Box& plot, const Axis& axis, const Label& label, int wanted = 5);
/// Labels below the plot, a tick each.
Markup horizontal_axis(const Box& plot, const Axis& axis, const Label& label, int wanted = 6,
                       bool grid = false);

/// Room that a text of the given font size takes, near enough (CJK characters are twice as wide).
double text_width(std::string_view text, double font_size);

/// At most `characters` characters, the middle cut out for "…".
std::string shortened(const std::string& text, std::size_t characters);

} // namespace latticelens::report
