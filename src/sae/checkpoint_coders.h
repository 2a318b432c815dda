// All autoencoders of one checkpoint, trained side by side on one stream of its activations.
#pragma once
#include "core/json.h"
#include "sae/activation_stream.h"
#include "sae/coder_kind.h"
#include "sae/coder_training.h"

namespace latticelens {

struct CheckpointSettings {
  std::vector<CoderPlan> plans; // for every site; widths are the model's
  TrainingSettings training;    // rates and seeds are the plans'
  StreamSettings stream;
  InputScaling scaling = InputScaling::unit_norm;
  std::int64_t steps = 0;
  std::int64_t log_every = 20;
  double save_every = 60; // seconds between states that training can go on from
  /// Called with activations just read, before the first step.
  std::function<void(std::int64_t)> read = {};
};

/// One of them, trained.
struct TrainedCoder {
  CoderPlan plan;
  ActivationSite site;
  Coder coder;
  StepReport last;
  std::int64_t checked = 0, missed = 0; // of the search, over all of training
  Json validation = {};                 // what held-out activations say
};

struct CheckpointReport {
  std::vector<TrainedCoder> coders; // by site, then by plan
  double model_seconds = 0, coder_seconds = 0;
  std::int64_t activations = 0; // trained on in this run of the program, once for all coders
};

/// Trains, or goes on from `folder`/state.safetensors to the same bytes; `folder`/training.jsonl
/// has a line for every logged step and autoencoder. `step(text)` after each. Errors: activations
/// that are not finite (naming the document), fewer than a batch, a state of other settings.
CheckpointReport train_coders(const SiteReader& reader, const SampledText& text,
                              const std::function<std::string(std::int64_t)>& name_of,
                              const CheckpointSettings& settings,
                              const std::filesystem::path& folder,
                              const std::function<void(std::int64_t done)>& step);

} // namespace latticelens
