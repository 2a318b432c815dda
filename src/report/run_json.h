// A run as its page reads it: web/src/data.ts has the same members.
#pragma once
#include "report/run_data.h"

namespace latticelens::report {

Json method_json(const std::string& method);
Json evaluation_json(const EvaluationRow& row);
Json tasks_json(const TasksRow& row);

/// Everything on a run's page.
Json run_json(const RunData& run);

} // namespace latticelens::report
