#include "cli/sae_checkpoints.h"

#include "cli/text_options.h"
#include "core/error.h"
#include "core/run_directory.h"
#include "quantize/packed_model.h"
#include <set>

namespace latticelens {
namespace {

namespace fs = std::filesystem;

void add_series(const fs::path& folder, std::vector<Checkpoint>& all) {
  const std::string where = (folder / "series.json").string();
  const Json series = read_work_file(folder / "series.json");
  const Json listed = member<Json>(series, "checkpoints", where);
  require(listed.is_array() && !listed.empty(), "sae",
          where + ": lists no checkpoint yet; let pretrain go on");
  for (const Json& row : listed) {
    const auto name = member<std::string>(row, "folder", where);
    require(fs::path(name).filename() == name && name != "..", "sae",
            where + ": \"" + name + "\" is no folder in it");
    all.push_back({name, folder / name, row});
  }
}

/// The last part of a path that says something: "run" of "run/", "b" of "a/b".
std::string last_name(const fs::path& path) {
  const fs::path whole = fs::absolute(path).lexically_normal();
  return (whole.has_filename() ? whole : whole.parent_path()).filename().string();
}

} // namespace

std::vector<Checkpoint> checkpoints_of(const std::vector<std::string>& paths) {
  std::vector<Checkpoint> all;
  for (const std::string& path : paths)
    if (fs::exists(fs::path(path) / "series.json"))
      add_series(path, all);
    else
      all.push_back({last_name(path), path, Json::object()});
  std::set<std::string> names;
  for (const Checkpoint& one : all)
    require(names.insert(one.name).second, "sae",
            "two models are named \"" + one.name +
                "\", which their results would share; rename a folder");
  return all;
}

std::vector<std::string> text_of_series(const std::vector<std::string>& paths) {
  const fs::path file = paths.empty() ? fs::path() : fs::path(paths.front()) / "series.json";
  if (paths.empty() || !fs::exists(file))
    return {};
  const Json facts = member_or<Json>(read_work_file(file), "facts", Json::object(), file.string());
  return facts.contains("text") ? member<std::vector<std::string>>(facts, "text", file.string())
                                : std::vector<std::string>();
}

std::int64_t width_of(const Checkpoint& checkpoint) {
  return open_model(checkpoint.path).model.config.hidden;
}

void require_alike(const std::vector<Checkpoint>& checkpoints) {
  const auto config_of = [](const Checkpoint& one) { return open_model(one.path).model.config; };
  const Checkpoint& first = checkpoints.front();
  const Config config = config_of(first);
  for (std::size_t i = 1; i < checkpoints.size(); ++i) {
    const Checkpoint& other = checkpoints[i];
    const Config its = config_of(other);
    require(its.hidden == config.hidden && its.vocabulary == config.vocabulary, "sae",
            other.path.string() + ": is " + std::to_string(its.hidden) +
                " wide with a vocabulary of " + std::to_string(its.vocabulary) + ", and " +
                first.path.string() + " " + std::to_string(config.hidden) + " and " +
                std::to_string(config.vocabulary) + "; give checkpoints of one shape");
  }
}

void require_same_tokens(const std::vector<Checkpoint>& checkpoints, const std::string& text) {
  const auto ids_of = [&](const Checkpoint& one) {
    const auto tokenizer = tokenizer_of(one.path);
    std::vector<TokenId> ids = tokenizer->encode(text).ids;
    ids.push_back(tokenizer->begin_of_text().value_or(-1));
    return ids;
  };
  const Checkpoint& first = checkpoints.front();
  const std::vector<TokenId> ids = ids_of(first);
  for (std::size_t i = 1; i < checkpoints.size(); ++i)
    require(ids_of(checkpoints[i]) == ids, "sae",
            checkpoints[i].path.string() + ": its tokenizer cuts the text otherwise than that of " +
                first.path.string() + "; give checkpoints that read the same tokens");
}

} // namespace latticelens
