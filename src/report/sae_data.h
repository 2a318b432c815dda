// The folder of `sae` with types: sae.json, the checkpoints' training.jsonl, evaluation.json if it
// is there. Wrong types and impossible numbers are Errors that name the file and the coder.
#pragma once
#include "report/numbers.h"
#include <array>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace latticelens::report {

/// How often latents fire: counts by log10 of the frequency, below `start` and in steps from there.
struct LatentDensity {
  double start = 0, step = 0;
  std::vector<std::int64_t> counts;
};

struct CoderMetrics {
  double fvu_dataset = absent, fvu_batch = absent, l0 = absent, dead = absent;
  std::optional<LatentDensity> density;
};

/// What `sae evaluate` measured on a text of its own.
struct CoderEvaluation {
  CoderMetrics metrics;
  double ce_original = absent, ce_substituted = absent, ce_zero = absent;
  double loss_recovered_ce = absent, loss_recovered_kl = absent;
  double pca_fvu = absent, random_fvu = absent, effective_rank = absent;
};

struct TrainingPoint {
  std::int64_t step = 0;
  double loss = absent, fvu = absent;
};

struct CoderRow {
  std::string site, kind, folder;
  std::int64_t latents = 0, k = 0, seed = 0;
  double learning_rate = absent;
  std::int64_t search_checked = 0, search_missed = 0;
  CoderMetrics validation;
  bool chosen = false;
  std::string why; // of those that are chosen
  std::optional<CoderEvaluation> evaluation;
  std::vector<TrainingPoint> training; // thinned
};

struct CheckpointRow {
  std::string name;
  double step = absent, tokens = absent;
  std::vector<std::pair<std::string, double>> held_out_loss; // by language, nats per token
  double seconds = absent, model_seconds = absent, coder_seconds = absent;
  double activations = absent, peak_memory = absent;
  std::vector<CoderRow> coders;
};

struct SaeData {
  std::string folder, program, sampling;
  bool finished = false, evaluated = false;
  std::vector<std::string> text, evaluation_text;
  std::int64_t planned = 0; // checkpoints
  std::int64_t documents = 0, activations_in_text = 0, validation_activations = 0, steps = 0,
               batch = 0;
  std::vector<CheckpointRow> checkpoints;
};

/// Is there a sae.json in this folder?
bool is_sae_folder(const std::filesystem::path& folder);

SaeData read_sae_data(const std::filesystem::path& folder);

/// At most this many points of a training curve are kept, the first and the last among them; fewer
/// where there are so many coders that all would be more than `all_training_points`.
constexpr std::size_t training_points = 400, fewest_training_points = 20,
                      all_training_points = 100'000;

} // namespace latticelens::report
