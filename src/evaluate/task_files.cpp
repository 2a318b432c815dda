#include "evaluate/task_files.h"

#include "core/error.h"
#include "core/files.h"
#include "core/words.h"
#include <algorithm>

namespace latticelens {
namespace {

namespace fs = std::filesystem;

/// "piqa_valid.jsonl" or "piqa_valid.first200.jsonl" for the stem "piqa_valid".
bool holds(const std::string& file, const std::string& stem) {
  const std::string end = ".jsonl", cut = stem + ".first";
  if (file == stem + end)
    return true;
  if (!file.starts_with(cut) || !file.ends_with(end) || file.size() <= cut.size() + end.size())
    return false;
  const std::string count = file.substr(cut.size(), file.size() - cut.size() - end.size());
  return count.find_first_not_of("0123456789") == std::string::npos;
}

std::optional<fs::path> file_of(const fs::path& stem) {
  std::vector<fs::path> found;
  std::error_code none; // a folder that is not there holds nothing
  for (const auto& entry : fs::directory_iterator(stem.parent_path(), none))
    if (holds(entry.path().filename(), stem.filename()))
      found.push_back(entry.path());
  std::sort(found.begin(), found.end(), [](const fs::path& a, const fs::path& b) {
    return std::pair(a.string().size(), a) < std::pair(b.string().size(), b);
  });
  return found.empty() ? std::nullopt : std::optional(found.front());
}

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return c >= 'A' && c <= 'Z' ? c + 'a' - 'A' : c; });
  return text;
}

/// The .parquet file below the folder whose path has most of the task's words.
std::optional<fs::path> parquet_of(const Task& task, const fs::path& folder) {
  std::optional<fs::path> best;
  std::size_t most = 0;
  std::error_code unreadable;
  for (const auto& entry : fs::recursive_directory_iterator(folder, unreadable)) {
    if (entry.path().extension() != ".parquet")
      continue;
    std::size_t words = 1;
    for (const std::string& word : words_of(task.words, ' '))
      words += lower(entry.path()).find(word) != std::string::npos;
    if (words > most || (words == most && entry.path() < *best))
      best = entry.path();
    most = std::max(most, words);
  }
  return best;
}

std::string conversion(const Task& task, const fs::path& parquet, const fs::path& folder) {
  const fs::path to = folder / (task.files.front() + ".jsonl");
  return "python3 -c \"import pandas; pandas.read_parquet('" + parquet.string() + "').to_json('" +
         to.string() + "', orient='records', lines=True, force_ascii=False)\"";
}

/// The words of an error without the part that it begins with.
std::string words_of_error(const Error& error) {
  const std::string text = error.what();
  const std::size_t end = text.find("] ");
  return end == std::string::npos ? text : text.substr(end + 2);
}

Item read_item(const Task& task, std::string_view line, const std::string& where) {
  try {
    Item item = task.item(parse_json(line, where), where);
    item.where = where;
    return item;
  } catch (const Error& error) {
    throw Error("tasks", words_of_error(error) + "; a line of " + task.name +
                             " is a JSON object with " + task.fields);
  }
}

} // namespace

fs::path find_task_file(const Task& task, const fs::path& folder) {
  require(fs::is_directory(folder), "tasks",
          folder.string() + ": is no folder; give with --data the folder of the tasks' files");
  std::string looked_for;
  for (const std::string& stem : task.files) {
    if (const auto path = file_of(folder / stem))
      return *path;
    looked_for += (looked_for.empty() ? "" : ", ") + stem + ".jsonl";
  }
  if (const auto parquet = parquet_of(task, folder))
    throw Error("tasks", folder.string() + ": has .parquet files but no .jsonl of " + task.name +
                             "; convert (pip install pandas pyarrow): " +
                             conversion(task, *parquet, folder));
  throw Error("tasks", folder.string() + ": has no file of " + task.name + "; looked for " +
                           looked_for + " (or .firstN.jsonl); put one of them there");
}

std::vector<Item> read_items(const Task& task, const fs::path& path,
                             std::optional<std::int64_t> limit) {
  const std::string text = read_text(path);
  std::vector<Item> items;
  std::int64_t line = 0;
  for (std::size_t start = 0; start < text.size(); ++line) {
    if (limit && static_cast<std::int64_t>(items.size()) >= *limit)
      break;
    const std::size_t end = std::min(text.find('\n', start), text.size());
    const auto row = std::string_view(text).substr(start, end - start);
    if (row.find_first_not_of(" \t\r") != std::string_view::npos)
      items.push_back(read_item(task, row, path.string() + " line " + std::to_string(line + 1)));
    start = end + 1;
  }
  require(!items.empty(), "tasks",
          path.string() + ": holds no items; a line of " + task.name + " is a JSON object with " +
              task.fields);
  return items;
}

} // namespace latticelens
