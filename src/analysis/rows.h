// The rows of the table of analyses: one a file.
#pragma once
#include "analysis/analysis.h"

namespace latticelens {

AnalysisRow power_of_two_scales();
AnalysisRow large_values();
AnalysisRow channels();
AnalysisRow thresholds();
AnalysisRow regular_blocks();
AnalysisRow error_split();
AnalysisRow output_error();
AnalysisRow one_token();
AnalysisRow rotation_size();
AnalysisRow block_maxima();
AnalysisRow scale_growth();
AnalysisRow error_by_maximum();
AnalysisRow power_of_two_loss();
AnalysisRow whole_rows();
AnalysisRow both_block_sizes();
AnalysisRow positions();
AnalysisRow granularity();
AnalysisRow nvfp4_blocks();
AnalysisRow other_formats();

/// For the rows' `make`.
template<typename Kind>
std::unique_ptr<Analysis> make_analysis(const AnalysisSetting& setting) {
  return std::make_unique<Kind>(setting);
}

} // namespace latticelens
