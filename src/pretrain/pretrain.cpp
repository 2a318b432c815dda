#include "pretrain/pretrain.h"

#include "core/error.h"
#include "core/files.h"
#include "core/progress.h"
#include "pretrain/checkpoint.h"
#include "pretrain/network_loss.h"
#include "pretrain/schedule.h"
#include "pretrain/token_windows.h"
#include "pretrain/train_tokenizer.h"
#include "pretrain/training_state.h"
#include <ATen/ATen.h>
#include <cmath>
#include <cstdio>

namespace latticelens {
namespace {

namespace fs = std::filesystem;

constexpr double seconds_between_states = 180;
constexpr std::int64_t held_out_windows = 16; // of each language, judged at every checkpoint

Json identity_of(const Recipe& recipe, const std::vector<Language>& languages) {
  Json names = Json::array();
  for (const Language& language : languages)
    names.push_back(language.name);
  return {{"languages", names}, {"text", hash_of(languages)}, {"recipe", to_json(recipe)}};
}

/// The tokenizer.model, written last, tells that the files are there.
void prepare(const Series& series, const Recipe& recipe, const std::vector<Language>& languages,
             bool quiet) {
  const fs::path tokenizer = series.at("tokenizer");
  if (fs::exists(tokenizer / "tokenizer.model"))
    return;
  for (const Language& language : languages)
    write_documents(series.at("held-out") / language.name, language.held_out);
  Progress progress("tokenizer", "tokenizers", 1, quiet);
  const std::string model =
      train_tokenizer(training_lines(languages), recipe.tokenizer, recipe.vocabulary);
  make_directory(tokenizer);
  write_tokenizer(tokenizer, model, recipe.tokenizer);
  progress.step();
}

/// The first windows of what is held out of a language.
Tensor held_out_ids(const Tokenizer& tokenizer, const Language& language, std::int64_t length) {
  const std::vector<TokenId> ids = packed_ids(tokenizer, language.held_out);
  const auto there = static_cast<std::int64_t>(ids.size()),
             count = std::min(there / length, held_out_windows);
  require(count >= 1, "pretrain",
          language.name + ": what is held out has " + std::to_string(there) + " tokens, a window " +
              std::to_string(length) + "; give more text or a shorter --window");
  return at::tensor(at::ArrayRef<TokenId>(ids).slice(0, count * length), at::kLong)
      .view({count, length});
}

class Trainer {
 public:
  Trainer(Series& series, const Recipe& recipe, const std::vector<Language>& languages);

  std::int64_t steps() const { return state_.steps; }
  /// Returns the loss.
  double step();

 private:
  void start();
  void write_checkpoint_here();
  void save();
  Series& series_;
  const Recipe& recipe_;
  TrainingState state_;
  std::optional<ShuffledWindows> windows_;
  std::vector<std::pair<std::string, Tensor>> held_out_;
  Stopwatch since_state_;
};

Trainer::Trainer(Series& series, const Recipe& recipe, const std::vector<Language>& languages)
    : series_(series), recipe_(recipe), state_(first_state(recipe)) {
  const auto tokenizer = open_tokenizer(series.at("tokenizer"));
  std::vector<TokenId> ids;
  Json tokens = Json::object(); // to train on
  Json folders = Json::array();
  for (const Language& language : languages) {
    const std::vector<TokenId> more = packed_ids(*tokenizer, language.training);
    ids.insert(ids.end(), more.begin(), more.end());
    tokens[language.name] = more.size();
    folders.push_back(fs::absolute(language.folder).lexically_normal().string());
    held_out_.emplace_back(language.name, held_out_ids(*tokenizer, language, recipe.window));
  }
  windows_.emplace(ids, recipe.window, recipe.seed);
  series.describe({{"parameters", parameter_count(state_.network)},
                   {"training_tokens", tokens},
                   {"text", folders}});
  if (read_state(series.at("state.safetensors"), state_))
    series.go_back_to(state_.steps);
  else
    start();
}

void Trainer::start() {
  series_.start_over();
  write_checkpoint_here();
  save();
}

void Trainer::write_checkpoint_here() {
  Json losses = Json::object();
  for (const auto& [language, ids] : held_out_)
    losses[language] = loss_at(state_.network, ids);
  const std::string name = checkpoint_name(state_.steps);
  write_checkpoint(series_.at(name), recipe_, state_.network, series_.at("tokenizer"));
  series_.add_checkpoint({{"step", state_.steps},
                          {"tokens", state_.steps * recipe_.batch_tokens},
                          {"folder", name},
                          {"held_out_loss", losses}});
}

void Trainer::save() {
  write_state(series_.at("state.safetensors"), state_);
  since_state_ = {};
}

double Trainer::step() {
  const std::int64_t windows = windows_a_step(recipe_);
  NetworkGradient gradient =
      gradient_at(state_.network, windows_->draw(state_.steps * windows, windows));
  const double rate = learning_rate(recipe_, state_.steps), norm = clip(gradient.of);
  require(std::isfinite(gradient.loss) && std::isfinite(norm), "pretrain",
          "step " + std::to_string(state_.steps + 1) +
              ": loss or gradient are not finite; give a lower --rate");
  ++state_.steps;
  adam_w_step(rate, state_.steps, gradient.of, parameters_of(state_.network), state_.moments);
  series_.add_step({{"step", state_.steps},
                    {"tokens", state_.steps * recipe_.batch_tokens},
                    {"loss", gradient.loss},
                    {"learning_rate", rate},
                    {"gradient_norm", norm}});
  const bool checkpoint = is_checkpoint(recipe_, state_.steps);
  if (checkpoint)
    write_checkpoint_here();
  if (checkpoint || since_state_.seconds() > seconds_between_states)
    save();
  return gradient.loss;
}

std::string loss_text(double loss) {
  char text[32];
  std::snprintf(text, sizeof text, "loss %.4f", loss);
  return text;
}

} // namespace

Training pretrain(const fs::path& folder, const Recipe& recipe,
                  const std::vector<Language>& languages, bool quiet) {
  check_recipe(recipe);
  Series series(folder, identity_of(recipe, languages));
  Training training;
  if (!series.finished()) {
    prepare(series, recipe, languages, quiet);
    Trainer trainer(series, recipe, languages);
    Progress progress("pretrain", "steps", recipe.steps, quiet);
    progress.skip(trainer.steps());
    const Stopwatch watch;
    for (; trainer.steps() < recipe.steps; ++training.steps)
      progress.step(loss_text(trainer.step()));
    training.tokens = training.steps * recipe.batch_tokens;
    training.seconds = watch.seconds();
    series.finish();
  }
  fs::remove(series.at("state.safetensors")); // nothing goes on from a finished series
  training.series = series.results();
  return training;
}

} // namespace latticelens
