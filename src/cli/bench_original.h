// The original's side of a table: made once, not once a row.
#pragma once
#include "cli/evaluate_tasks.h"
#include "evaluate/language_model.h"

namespace latticelens {

/// side_of, its hidden states kept in `file` (4 bytes times tokens times width): read from there
/// when it exists, so that neither the other rows nor a continued table run the original again.
Side kept_side(const Model& model, const TokenWindows& windows, const std::filesystem::path& file,
               bool quiet);

/// The original's answers, asked for when first needed.
class KeptAnswers {
 public:
  KeptAnswers(const Model& model, const Questions& questions, bool quiet)
      : model_(model), questions_(questions), quiet_(quiet) {}
  const TaskScores& get();

 private:
  const Model& model_;
  const Questions& questions_;
  bool quiet_;
  TaskScores scores_;
};

} // namespace latticelens
