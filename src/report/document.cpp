#include "report/document.h"

#include "report/style.h"

namespace latticelens::report {

std::string document(const std::string& title, const Markup& body) {
  const Markup head = element("title", {}, title) + style_element(style_sheet);
  return "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
         "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
         "<meta name=\"color-scheme\" content=\"light dark\">\n" +
         head.html() + "\n</head>\n" + body.html() + "\n</html>\n";
}

} // namespace latticelens::report
