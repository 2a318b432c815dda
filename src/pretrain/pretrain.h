// A language model trained from nothing on the texts of some languages, and what it was on the way.
#pragma once
#include "pretrain/languages.h"
#include "pretrain/series.h"

namespace latticelens {

struct Training {
  Json series;                        // series.json
  std::int64_t steps = 0, tokens = 0; // in this run of the program
  double seconds = 0;                 // of it
};

/// Trains into `folder`; a folder that the same recipe and texts left unfinished is gone on with,
/// to the same bytes. Errors: a folder of another series, texts too short for the recipe, a loss
/// that is not finite.
Training pretrain(const std::filesystem::path& folder, const Recipe& recipe,
                  const std::vector<Language>& languages, bool quiet);

} // namespace latticelens
