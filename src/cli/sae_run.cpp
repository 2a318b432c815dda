#include "cli/sae_run.h"

#include "cli/sae_texts.h"
#include "cli/text_options.h"
#include "core/error.h"
#include "core/files.h"
#include "core/progress.h"
#include "core/run_directory.h"
#include "core/words.h"
#include "core/work_folder.h"
#include "quantize/carried_files.h"
#include "quantize/packed_model.h"
#include "sae/coder_form.h"
#include "sae/coder_names.h"
#include "sae/coder_reader.h"
#include "sae/validation.h"
#include <ATen/ATen.h>
#include <ATen/Parallel.h>

namespace latticelens {
namespace {

namespace fs = std::filesystem;

/// The text of a series, read and tokenized once for all checkpoints.
struct SeriesText {
  std::vector<Document> training_documents, validation_documents;
  SampledText training, validation;
  std::string hash;
};

/// Enough of the text to tell tokenizers apart.
std::string beginning_of(const std::vector<Document>& documents) {
  constexpr std::size_t enough = 1 << 16;
  std::string text;
  for (std::size_t i = 0; i < documents.size() && text.size() < enough; ++i)
    text += documents[i].text + "\n";
  return text;
}

SeriesText read_series_text(const SaeRun& run) {
  const std::vector<Document> all = read_document_folders(run.text);
  SeriesText text{.training_documents = documents_of(all, Part::training),
                  .validation_documents = documents_of(all, Part::validation)};
  require_same_tokens(run.checkpoints, beginning_of(all));
  const auto tokenizer = tokenizer_of(run.checkpoints.front().path);
  text.training = sample(text.training_documents, *tokenizer, run.sampling);
  text.validation = sample(text.validation_documents, *tokenizer, run.sampling);
  std::string names;
  for (const Document& document : all)
    names += text_hash(document.text);
  text.hash = text_hash(names);
  return text;
}

Json plan_json(const CoderPlan& plan) {
  return {{"kind", plan.kind},  {"latents", plan.latents},
          {"k", plan.k},        {"learning_rate", plan.rate},
          {"seed", plan.seed},  {"dead_weight", plan.dead_weight},
          {"multi", plan.multi}};
}

/// The same identity gives the same bytes.
Json identity_of(const SaeRun& run, const SeriesText& text) {
  Json models = Json::array(), plans = Json::array();
  for (const Checkpoint& checkpoint : run.checkpoints)
    models.push_back(
        {{"name", checkpoint.name},
         {"hash", model_hash(is_run(checkpoint.path) ? checkpoint.path / "model" : checkpoint.path,
                             /*quiet=*/true)}});
  for (const CoderPlan& plan : run.settings.plans)
    plans.push_back(plan_json(plan));
  const TrainingSettings& training = run.settings.training;
  const OptimizerSettings& optimizer = training.optimizer;
  return {{"models", models},
          {"text_hash", text.hash},
          {"sites", run.sites},
          {"sampling", to_text(run.sampling)},
          {"coders", plans},
          {"scaling", name_of(run.settings.scaling)},
          {"optimizer", optimizer.rule},
          {"warm_up", optimizer.warm_up},
          {"decayed_share", optimizer.decayed_share},
          {"weight_decay", optimizer.weight_decay},
          {"project", training.project},
          {"dead_after", training.dead_after},
          {"batch", run.settings.stream.batch},
          {"buffer", run.settings.stream.buffer},
          {"steps", run.settings.steps},
          {"seed", run.settings.stream.seed}};
}

/// One checkpoint's row of sae.json, from its own file: a finished one is not trained again.
class SeriesTraining {
 public:
  SeriesTraining(const fs::path& folder, SaeRun run)
      : run_(std::move(run)), path_(folder), text_(read_series_text(run_)) {
    if (writes())
      folder_.emplace(folder, "sae.json", identity_of(run_, text_));
    processes().wait_for_all();
  }

  Json train() {
    for (const Checkpoint& checkpoint : run_.checkpoints) {
      rows_.push_back(row_of(checkpoint));
      if (writes())
        folder_->write(rows_.size() == run_.checkpoints.size(), results());
      processes().wait_for_all();
    }
    return read_work_file(path_ / "sae.json");
  }

 private:
  Processes& processes() const { return *run_.settings.stream.processes; }
  bool writes() const { return processes().writes(); }

  Json results() const {
    return {{"program", "latticelens " LATTICELENS_VERSION},
            {"text", run_.text},
            {"documents", text_.training.documents + text_.validation.documents},
            {"too_short", text_.training.left_out + text_.validation.left_out},
            {"activations_in_text", text_.training.taken()},
            {"validation_activations", text_.validation.taken()},
            {"threads", at::get_num_threads()},
            {"processes", processes().count()},
            {"checkpoints", rows_}};
  }

  Json row_of(const Checkpoint& checkpoint) {
    const fs::path place = path_ / checkpoint.name, done = place / "checkpoint.json";
    if (fs::exists(done)) {
      const Json row = read_json(done);
      for (const char* key : {"coders", "chosen"})
        member<Json>(row, key, done.string()); // another file would be no result
      return row;
    }
    const Json row = train(checkpoint, place);
    if (writes()) {
      write_text(done, row.dump(2) + "\n");
      fs::remove(place / "state.safetensors");
      fs::remove_all(place / "activations");
    }
    return row;
  }

  Json train(const Checkpoint& checkpoint, const fs::path& place) {
    const OpenedModel opened = open_model(checkpoint.path, parse_device(run_.device));
    std::vector<ActivationSite> sites;
    for (const std::string& site : run_.sites)
      sites.push_back(parse_site(site, opened.model.config));
    const SiteReader reader(opened.model, sites, run_.sampling.length);
    CheckpointSettings settings = run_.settings;
    settings.plans.clear();
    if (run_.shards)
      settings.stream.shards = place / "activations";
    for (CoderPlan plan : run_.settings.plans) {
      plan.width = opened.model.config.hidden;
      settings.plans.push_back(plan);
    }
    const bool quiet = run_.quiet || !writes();
    std::optional<Progress> progress(
        std::in_place, "read for " + checkpoint.name, "activations",
        std::min(text_.training.taken(), settings.stream.buffer) / processes().count(), quiet);
    bool reading = true;
    settings.read = [&](std::int64_t activations) { progress->step("", activations); };
    const Stopwatch watch;
    CheckpointReport report = train_coders(
        reader, text_.training,
        [&](std::int64_t i) {
          return place_of(text_.training_documents[static_cast<std::size_t>(i)]);
        },
        settings, place,
        [&](std::int64_t steps) {
          if (reading) {
            progress->finish();
            progress.emplace("train " + checkpoint.name, "steps", settings.steps, quiet);
            reading = false;
          }
          if (steps > 1)
            progress->skip(steps);
          else
            progress->step();
        });
    progress->finish();
    return writes() ? written(checkpoint, place, reader, report, watch.seconds()) : Json();
  }

  Json written(const Checkpoint& checkpoint, const fs::path& place, const SiteReader& reader,
               CheckpointReport& report, double seconds) const {
    const auto name = [&](std::int64_t i) {
      return place_of(text_.validation_documents[static_cast<std::size_t>(i)]);
    };
    validate(reader, text_.validation.windows, name, report.coders);
    Json coders = Json::array();
    for (const TrainedCoder& trained : report.coders)
      coders.push_back(coder_json(checkpoint, place, trained));
    Json row = {{"name", checkpoint.name}, {"path", fs::absolute(checkpoint.path).string()}};
    for (const auto& [key, value] : checkpoint.facts.items())
      if (key != "folder")
        row[key] = value;
    row.update({{"seconds", seconds},
                {"model_seconds", report.model_seconds},
                {"coder_seconds", report.coder_seconds},
                {"activations", report.activations},
                {"peak_memory", peak_memory()},
                {"coders", coders},
                {"chosen", chosen_rates(coders)}});
    return row;
  }

  Json coder_json(const Checkpoint& checkpoint, const fs::path& place,
                  const TrainedCoder& trained) const {
    const std::string site = "block-" + std::to_string(trained.site.blocks),
                      name = name_of(trained.plan);
    Json json = plan_json(trained.plan);
    json["site"] = to_text(trained.site);
    json["folder"] = checkpoint.name + "/" + site + "/" + name;
    json["last"] = {{"loss", trained.last.loss},
                    {"fvu_batch", trained.last.fvu},
                    {"l0", trained.last.l0},
                    {"dead", trained.last.dead}};
    json["search_checked"] = trained.checked;
    json["search_missed"] = trained.missed;
    json["validation"] = trained.validation;
    Json metadata = {{"latticelens_version", LATTICELENS_VERSION},
                     {"training", plan_json(trained.plan)}};
    for (const auto& [key, value] : checkpoint.facts.items())
      if (key == "step" || key == "tokens")
        metadata["checkpoint_" + key] = value;
    make_directory(place / site);
    coder_form("saelens").write({trained.coder, metadata}, place / site / name);
    return json;
  }

  SaeRun run_;
  fs::path path_;
  SeriesText text_;
  std::optional<WorkFolder> folder_; // of the process that writes
  Json rows_ = Json::array();
};

} // namespace

Json train_series(const fs::path& folder, SaeRun run) {
  require_alike(run.checkpoints);
  const Config config = open_model(run.checkpoints.front().path).model.config;
  for (const std::string& site : run.sites)
    parse_site(site, config);
  for (CoderPlan& plan : run.settings.plans) {
    plan.width = config.hidden;
    terms_of(plan); // its errors come before any work
  }
  return SeriesTraining(folder, std::move(run)).train();
}

} // namespace latticelens
