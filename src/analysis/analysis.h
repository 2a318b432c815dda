// An analysis: it sees the samples of a model one after the other and says at the end what they
// show of one claim of the block-rotation paper ("Block Rotation is the Cure of MXFP4
// Quantization").
#pragma once
#include "analysis/sample.h"
#include "core/json.h"
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace latticelens {

enum class Verdict { supported, refuted, not_decidable };
const char* to_text(Verdict verdict);
/// Of a claim that a ratio is above 1: within 2 % of 1 nothing is decided.
Verdict above_one(double ratio);

struct Finding {
  Verdict verdict = Verdict::not_decidable;
  std::string sentence;          // what the verdict follows from, with its numbers
  Json numbers = Json::object(); // the same numbers by name
  std::vector<Json> charts = {}; // analysis/charts.h
};

class Analysis {
 public:
  virtual ~Analysis() = default;
  /// Nothing of the sample is kept but numbers.
  virtual void see(const Sample& sample) = 0;
  /// After all samples; without any that suits, not_decidable with the reason.
  virtual Finding finding() const = 0;
};

struct AnalysisRow {
  const char* name;
  const char* title;
  const char* source; // figure, table or equation of the paper
  const char* claim;  // what the paper says
  std::unique_ptr<Analysis> (*make)(const AnalysisSetting&);
};

/// Every analysis there is, in the order of the page.
const std::vector<AnalysisRow>& analyses();

/// Shows a sample to all analyses, some at a time on every thread; each sees its samples in their
/// order, so that its sums do not depend on the threads.
void show(const Sample& sample, std::span<const std::unique_ptr<Analysis>> to);

} // namespace latticelens
