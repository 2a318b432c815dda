// The blocks that pages are made of: sections, tables, figures, and notes on what is missing.
#pragma once
#include "report/markup.h"

namespace latticelens::report {

struct Column {
  std::string name;
  bool number = false;
};

/// The first cell of a row is its heading. On a narrow screen the table scrolls by itself.
Markup table(const std::string& caption, const std::vector<Column>& columns,
             const std::vector<std::vector<Markup>>& rows);

/// A chart with a caption; it scrolls by itself on a narrow screen.
Markup figure(const std::string& name, const Markup& chart, const Markup& caption);

/// Two columns: a term and what it is.
Markup definitions(const std::vector<std::pair<Markup, Markup>>& rows);

Markup paragraph(const Markup& content, const std::string& style_class = "");
Markup code(const std::string& text);
Markup command_block(const std::string& command);

/// What is missing, and the command that gives it.
Markup missing(const std::string& what, const std::string& command);

/// A section with an id, a heading and the finding in one sentence.
Markup section(const std::string& id, const std::string& heading, const Markup& finding,
               const Markup& content);

} // namespace latticelens::report
