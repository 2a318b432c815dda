// A run's page: one HTML file that needs nothing else.
#pragma once
#include "core/json.h"
#include "report/run_data.h"

namespace latticelens::report {

/// The whole file. `compared`: runs to show beside it.
std::string run_page(const RunData& run, const std::vector<RunData>& compared = {});

/// What the page is about, for programs; null where it is not known.
Json key_numbers(const RunData& run);

} // namespace latticelens::report
