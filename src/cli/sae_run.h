// Training the autoencoders of a series of checkpoints into one folder.
#pragma once
#include "cli/sae_checkpoints.h"
#include "sae/checkpoint_coders.h"

namespace latticelens {

struct SaeRun {
  std::vector<Checkpoint> checkpoints;
  std::vector<std::string> text; // folders of documents
  std::vector<std::string> sites;
  SamplingRule sampling;
  CheckpointSettings settings;
  std::string device;
  bool shards = false; // activations are kept on the disk while a checkpoint is trained
  bool quiet = false;
};

/// Trains, or goes on: saes/CHECKPOINT/SITE/CODER/ are folders of SAELens' layout; sae.json lists
/// them, with what the validation part says and which learning rate is chosen. Returns sae.json.
Json train_series(const std::filesystem::path& folder, SaeRun run);

} // namespace latticelens
