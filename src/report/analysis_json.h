// An analysis as its page reads it: web/src/data.ts has the same members.
#pragma once
#include "report/analysis_data.h"

namespace latticelens::report {

/// Everything on an analysis' page.
Json analysis_json(const AnalysisData& data);

} // namespace latticelens::report
