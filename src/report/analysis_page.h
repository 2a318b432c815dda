// The page of an analysis folder: one HTML file that needs nothing else.
#pragma once
#include "report/analysis_data.h"

namespace latticelens::report {

std::string analysis_page(const AnalysisData& data);

} // namespace latticelens::report
