#include "analysis/rows.h"
#include <ATen/Parallel.h>
#include <atomic>

namespace latticelens {

const char* to_text(Verdict verdict) {
  return verdict == Verdict::supported ? "supported"
         : verdict == Verdict::refuted ? "refuted"
                                       : "not decidable";
}

Verdict above_one(double ratio) {
  return ratio > 1.02   ? Verdict::supported
         : ratio < 0.98 ? Verdict::refuted
                        : Verdict::not_decidable;
}

void show(const Sample& sample, std::span<const std::unique_ptr<Analysis>> to) {
  // One parallel region a sample: what runs inside is serial, and analyses take turns as they end.
  std::atomic<std::size_t> next = 0;
  at::parallel_for(0, at::get_num_threads(), 1, [&](std::int64_t, std::int64_t) {
    for (std::size_t i = next++; i < to.size(); i = next++)
      to[i]->see(sample);
  });
}

const std::vector<AnalysisRow>& analyses() {
  static const std::vector<AnalysisRow> table = {
      power_of_two_scales(), large_values(), channels(),         thresholds(),
      regular_blocks(),      error_split(),  output_error(),     one_token(),
      rotation_size(),       block_maxima(), scale_growth(),     error_by_maximum(),
      power_of_two_loss(),   whole_rows(),   both_block_sizes(), positions(),
      granularity(),         nvfp4_blocks(), other_formats(),
  };
  return table;
}

} // namespace latticelens
