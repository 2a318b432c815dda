// The numbers that a run's page is about.
#pragma once
#include "report/run_data.h"

namespace latticelens::report {

/// The last evaluation against an original, else the last one, else none.
const EvaluationRow* main_evaluation(const RunData& run);

/// Are all errors known of the outputs? Else the page speaks of the weights'.
bool errors_are_of_outputs(const RunData& run);

/// What `report --json` prints, and the page shows; null where it is not known.
Json key_numbers(const RunData& run);

} // namespace latticelens::report
