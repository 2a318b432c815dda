// The HTML around a page's body.
#pragma once
#include "report/markup.h"

namespace latticelens::report {

/// The whole file: head with this title and the style sheet, then the body element.
std::string document(const std::string& title, const Markup& body);

} // namespace latticelens::report
