// What web/ is built into; the definitions are generated (web/build.mjs).
#pragma once

namespace latticelens::report {

extern const char* const page_script;
extern const char* const page_style;

} // namespace latticelens::report
