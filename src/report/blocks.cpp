#include "report/blocks.h"

namespace latticelens::report {
namespace {

/// Focusable, so that the arrow keys scroll it.
Markup scroller(const std::string& name, const Markup& content) {
  return element("div",
                 {{"class", "scroll"}, {"role", "region"}, {"tabindex", "0"}, {"aria-label", name}},
                 content);
}

Attributes cell_attributes(const Column& column) {
  return column.number ? Attributes{{"class", "number"}} : Attributes{};
}

} // namespace

Markup table(const std::string& caption, const std::vector<Column>& columns,
             const std::vector<std::vector<Markup>>& rows) {
  Markup head, body;
  for (const Column& column : columns) {
    Attributes attributes = cell_attributes(column);
    attributes.emplace_back("scope", "col");
    head += element("th", attributes, column.name);
  }
  for (const std::vector<Markup>& row : rows) {
    Markup cells;
    for (std::size_t i = 0; i < row.size(); ++i) {
      Attributes attributes = cell_attributes(columns[i]);
      if (i == 0)
        attributes.emplace_back("scope", "row");
      cells += element(i == 0 ? "th" : "td", attributes, row[i]);
    }
    body += element("tr", {}, cells);
  }
  return scroller(caption, element("table", {},
                                   element("caption", {}, caption) +
                                       element("thead", {}, element("tr", {}, head)) +
                                       element("tbody", {}, body)));
}

Markup figure(const std::string& name, const Markup& chart, const Markup& caption) {
  return element("figure", {}, scroller(name, chart) + element("figcaption", {}, caption));
}

Markup definitions(const std::vector<std::pair<Markup, Markup>>& rows) {
  Markup content;
  for (const auto& [term, meaning] : rows)
    content += element("dt", {}, term) + element("dd", {}, meaning);
  return element("dl", {{"class", "facts"}}, content);
}

Markup paragraph(const Markup& content, const std::string& style_class) {
  return element("p", style_class.empty() ? Attributes{} : Attributes{{"class", style_class}},
                 content);
}

Markup code(const std::string& text) {
  return element("code", {}, text);
}

Markup command_block(const std::string& command) {
  return element("pre", {}, code(command));
}

Markup missing(const std::string& what, const std::string& command) {
  return element("div", {{"class", "missing"}}, paragraph(what) + command_block(command));
}

Markup section(const std::string& id, const std::string& heading, const Markup& finding,
               const Markup& content) {
  return element("section", {{"id", id}, {"aria-labelledby", id + "-heading"}},
                 element("h2", {{"id", id + "-heading"}}, heading) +
                     (finding.empty() ? Markup() : paragraph(finding, "finding")) + content);
}

} // namespace latticelens::report
