// Pages: one HTML file each that needs nothing else. It holds the data as JSON and the program that
// draws them, built from web/.
#pragma once
#include "report/analysis_data.h"
#include "report/comparison.h"
#include "report/run_data.h"
#include "report/sae_data.h"

namespace latticelens::report {

std::string run_page(const RunData& run);

/// `base`: as comparison_json has it.
std::string comparison_page(const std::vector<ComparedRun>& runs,
                            const std::optional<std::filesystem::path>& base = std::nullopt);

std::string analysis_page(const AnalysisData& data);

std::string sae_page(const SaeData& data);

} // namespace latticelens::report
