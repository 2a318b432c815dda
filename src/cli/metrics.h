// The results of evaluate, and where a run keeps them.
#pragma once
#include "cli/text_options.h"
#include "evaluate/language_model.h"
#include "quantize/packed_model.h"

namespace latticelens {

/// "text", "window", "perplexity" ... (docs/run_directory.md).
Json evaluation_json(const TextOptions& text, const Evaluation& evaluation);

/// What `evaluate --json` prints: the models (against: its path, or empty), what was measured, and
/// what the activation quantizers saw.
Json metrics_json(const std::string& path, const std::string& against, const OpenedModel& opened,
                  const Json& measured);

/// Adds a line to metrics.jsonl of a run; `event`: "evaluation" or "tasks".
void keep_metrics(const std::filesystem::path& run, const char* event, const Json& json);

} // namespace latticelens
