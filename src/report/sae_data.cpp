#include "report/sae_data.h"

#include "core/error.h"
#include "core/run_directory.h"
#include "core/work_folder.h"
#include "report/source.h"
#include <algorithm>
#include <map>
#include <set>

namespace latticelens::report {
namespace {

// Far above what sae writes; below them no page grows without bound.
constexpr std::size_t checkpoint_limit = 10'000, coder_limit = 20'000, line_limit = 2'000'000,
                      language_limit = 100, bin_limit = 1000;
constexpr double seconds_limit = 1e9, fvu_limit = 1e30;

/// The elements of a list as objects with a place of their own.
std::vector<Source> objects_of(const Source& source, const Json& list, const std::string& key,
                               std::size_t limit) {
  if (list.size() > limit)
    source.fail(key, "has more than " + std::to_string(limit) + " elements");
  std::vector<Source> objects;
  for (const Json& one : list) {
    if (!one.is_object())
      source.fail(key, "should hold objects");
    objects.push_back({one, source.where + " " + key + " " + std::to_string(objects.size() + 1)});
  }
  return objects;
}

double count_or_absent(const Source& source, const char* key) {
  return source.has(key) ? static_cast<double>(source.count(key)) : absent;
}

std::optional<LatentDensity> density_of(const Source& source) {
  if (!source.has("log10_frequency"))
    return std::nullopt;
  const Json object = source.object("log10_frequency");
  const Source density{object, source.where + " log10_frequency"};
  LatentDensity result{density.number("start"), density.number("step"), {}};
  if (!known(result.start) || std::abs(result.start) > 300)
    density.fail("start", "should be a number from -300 to 300");
  if (!known(result.step) || result.step <= 0 || result.step > 100)
    density.fail("step", "should be a number above 0, up to 100");
  const Json counts = density.array("counts");
  if (counts.size() > bin_limit)
    density.fail("counts", "has more than " + std::to_string(bin_limit) + " elements");
  for (const Json& count : counts) {
    if (!count.is_number_integer() || count < 0 || count > count_limit)
      density.fail("counts", "should hold numbers of latents");
    result.counts.push_back(count.get<std::int64_t>());
  }
  return result;
}

CoderMetrics metrics_of(const Source& source, const char* key) {
  const Json object = source.object(key);
  const Source metrics{object, source.where + " " + key};
  return {metrics.not_negative("fvu_dataset", fvu_limit),
          metrics.not_negative("fvu_batch", fvu_limit), metrics.not_negative("l0", fvu_limit),
          metrics.not_negative("dead", 1), density_of(metrics)};
}

CoderEvaluation evaluation_of_coder(const Source& source) {
  const Json loss_object = source.object("loss"), baseline_object = source.object("baselines");
  const Source loss{loss_object, source.where + " loss"};
  const Source baselines{baseline_object, source.where + " baselines"};
  return {.metrics = metrics_of(source, "metrics"),
          .ce_original = loss.not_negative("ce_original"),
          .ce_substituted = loss.not_negative("ce_substituted"),
          .ce_zero = loss.not_negative("ce_zero"),
          .loss_recovered_ce = loss.number("loss_recovered_ce"),
          .loss_recovered_kl = loss.number("loss_recovered_kl"),
          // A remainder that rounding can leave a hair below zero.
          .pca_fvu = std::max(baselines.number("pca_k_fvu"), 0.0),
          .random_fvu = baselines.not_negative("random_dictionary_fvu_scaled", fvu_limit),
          .effective_rank = baselines.not_negative("effective_rank", fvu_limit)};
}

CoderRow coder_of(const Source& source) {
  CoderRow row;
  row.site = source.text("site");
  row.kind = source.text("kind");
  row.folder = member<std::string>(source.json, "folder", source.where);
  row.latents = source.count("latents");
  row.k = source.count("k");
  row.seed = source.count("seed");
  row.learning_rate = source.not_negative("learning_rate");
  row.search_checked = source.count("search_checked");
  row.search_missed = source.count("search_missed");
  if (row.search_missed > row.search_checked)
    source.fail("search_missed", "is more than were checked");
  row.validation = metrics_of(source, "validation");
  return row;
}

/// A name of one folder, so that nothing outside of the autoencoders' is read.
std::string name_of(const Source& source) {
  const auto name = member<std::string>(source.json, "name", source.where);
  const bool single = !name.empty() && name != "." && name != ".." &&
                      name.find_first_of(std::string_view("/\\\0", 3)) == std::string::npos;
  if (!single)
    source.fail("name", "is \"" + name + "\", which is no folder's name");
  return name;
}

std::vector<std::pair<std::string, double>> losses_of(const Source& source) {
  std::vector<std::pair<std::string, double>> losses;
  const Json object = source.object("held_out_loss");
  if (object.size() > language_limit)
    source.fail("held_out_loss", "has more than " + std::to_string(language_limit) + " elements");
  const Source values{object, source.where + " held_out_loss"};
  for (const auto& item : object.items())
    losses.emplace_back(item.key(), values.not_negative(item.key()));
  return losses;
}

/// Marks the coders that `chosen` names and says why.
void mark_chosen(CheckpointRow& row, const Source& source) {
  const Json list = source.array("chosen");
  for (const Source& chosen : objects_of(source, list, "chosen", coder_limit)) {
    const auto folder = member<std::string>(chosen.json, "folder", chosen.where);
    const auto found = std::ranges::find(row.coders, folder, &CoderRow::folder);
    if (found == row.coders.end())
      chosen.fail("folder", "is \"" + folder + "\", which is none of the coders");
    found->chosen = true;
    found->why = chosen.text("why");
  }
}

CheckpointRow checkpoint_of(const Source& source) {
  CheckpointRow row;
  row.name = name_of(source);
  row.step = count_or_absent(source, "step");
  row.tokens = count_or_absent(source, "tokens");
  row.held_out_loss = losses_of(source);
  row.seconds = source.not_negative("seconds", seconds_limit);
  row.model_seconds = source.not_negative("model_seconds", seconds_limit);
  row.coder_seconds = source.not_negative("coder_seconds", seconds_limit);
  row.activations = count_or_absent(source, "activations");
  row.peak_memory = count_or_absent(source, "peak_memory");
  std::set<std::string> seen;
  const Json list = source.array("coders");
  for (const Source& coder : objects_of(source, list, "coders", coder_limit)) {
    row.coders.push_back(coder_of(coder));
    if (!seen.insert(row.coders.back().folder).second)
      coder.fail("folder", "stands twice");
  }
  mark_chosen(row, source);
  return row;
}

/// The first and the last of `points`, and some between them at equal distances.
std::vector<TrainingPoint> thinned(const std::vector<TrainingPoint>& points, std::size_t most) {
  if (points.size() <= most)
    return points;
  std::vector<TrainingPoint> kept;
  for (std::size_t i = 0; i < most; ++i)
    kept.push_back(points[i * (points.size() - 1) / (most - 1)]);
  return kept;
}

std::string last_part(const std::string& folder) {
  return folder.substr(folder.find_last_of('/') + 1);
}

void read_training(CheckpointRow& row, const std::filesystem::path& path, std::size_t most) {
  std::map<std::pair<std::string, std::string>, std::vector<TrainingPoint>> curves;
  std::size_t line = 0;
  for (const Json& json : read_lines(path)) {
    const Source source{json, path.string() + " line " + std::to_string(++line)};
    require(line <= line_limit, "report", path.string() + ": has too many rows");
    curves[{source.text("site"), source.text("coder")}].push_back(
        {source.count("step"), source.number("loss"), source.not_negative("fvu_batch", fvu_limit)});
  }
  for (CoderRow& coder : row.coders)
    coder.training = thinned(curves[{coder.site, last_part(coder.folder)}], most);
}

void read_all_training(SaeData& data, const std::filesystem::path& folder) {
  std::size_t coders = 1;
  for (const CheckpointRow& row : data.checkpoints)
    coders += row.coders.size();
  const std::size_t most =
      std::clamp(all_training_points / coders, fewest_training_points, training_points);
  for (CheckpointRow& row : data.checkpoints)
    read_training(row, folder / row.name / "training.jsonl", most);
}

/// Gives the coders what evaluation.json says about them; coders that are gone are left out.
void read_evaluation(SaeData& data, const std::filesystem::path& path) {
  if (!std::filesystem::exists(path))
    return;
  const Json json = read_json(path);
  const Source source{json, path.string()};
  data.evaluated = true;
  data.evaluation_text = texts_of(source, "text");
  std::map<std::string, CoderRow*> coders;
  for (CheckpointRow& row : data.checkpoints)
    for (CoderRow& coder : row.coders)
      coders[row.name + '\n' + coder.folder] = &coder;
  const Json list = source.array("checkpoints");
  for (const Source& checkpoint : objects_of(source, list, "checkpoints", checkpoint_limit)) {
    const std::string name = name_of(checkpoint);
    const Json rows = checkpoint.array("coders");
    for (const Source& row : objects_of(checkpoint, rows, "coders", coder_limit)) {
      CoderEvaluation evaluation = evaluation_of_coder(row);
      const auto found = coders.find(name + '\n' + row.text("folder"));
      if (found != coders.end())
        found->second->evaluation = std::move(evaluation);
    }
  }
}

void read_settings(SaeData& data, const Source& source) {
  data.finished = source.text("state") == "finished";
  data.program = source.text("program");
  data.text = texts_of(source, "text");
  data.documents = source.count("documents");
  data.activations_in_text = source.count("activations_in_text");
  data.validation_activations = source.count("validation_activations");
  const Json object = source.object("identity");
  const Source identity{object, source.where + " identity"};
  data.sampling = identity.text("sampling");
  data.planned = static_cast<std::int64_t>(identity.array("models").size());
  data.steps = identity.count("steps");
  data.batch = identity.count("batch");
}

} // namespace

bool is_sae_folder(const std::filesystem::path& folder) {
  return std::filesystem::is_regular_file(folder / "sae.json");
}

SaeData read_sae_data(const std::filesystem::path& folder) {
  const std::filesystem::path path = folder / "sae.json";
  const Json json = read_work_file(path);
  const Source source{json, path.string()};
  SaeData data;
  data.folder = folder.string();
  read_settings(data, source);
  const Json list = source.array("checkpoints");
  std::set<std::string> seen;
  for (const Source& checkpoint : objects_of(source, list, "checkpoints", checkpoint_limit)) {
    data.checkpoints.push_back(checkpoint_of(checkpoint));
    if (!seen.insert(data.checkpoints.back().name).second)
      checkpoint.fail("name", "stands twice");
  }
  read_all_training(data, folder);
  read_evaluation(data, folder / "evaluation.json");
  return data;
}

} // namespace latticelens::report
