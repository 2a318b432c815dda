#include "core/recorded_files.h"

#include "core/error.h"
#include "core/files.h"
#include <algorithm>
#include <atomic>
#include <exception>
#include <thread>

namespace latticelens {
namespace {

struct Record {
  std::filesystem::path file;
  std::uintmax_t bytes;
  std::string hash;
};

/// A run.json from elsewhere must not make this program read other files than the run's.
void require_inside(const std::string& name, const std::string& where) {
  const std::filesystem::path path(name);
  const bool inside = path.is_relative() && std::ranges::none_of(path, [](const auto& part) {
                        return part == ".." || part.empty();
                      });
  require(inside && !path.empty(), "run",
          where + ": its files have \"" + name + "\", which lies outside the run");
}

Record parsed(const std::filesystem::path& folder, const std::string& name, const Json& json) {
  const std::string where = (folder / "run.json").string();
  require_inside(name, where);
  const auto bytes = member<std::int64_t>(json, "bytes", where + ": \"" + name + '"');
  require(bytes >= 0, "run", where + ": \"" + name + "\" has a negative size");
  return {folder / name, static_cast<std::uintmax_t>(bytes),
          member<std::string>(json, "xxh3_128", where + ": \"" + name + '"')};
}

/// Empty: none. A file of another size is not read.
std::string damage_of(const Record& record) {
  std::error_code error;
  const std::uintmax_t bytes = std::filesystem::file_size(record.file, error);
  if (error)
    return "is missing";
  if (bytes != record.bytes)
    return "has " + std::to_string(bytes) + " of " + std::to_string(record.bytes) + " bytes";
  return file_hash(record.file) == record.hash ? "" : "has other bytes than were written";
}

/// damage_of each; the first error in the records' order is thrown.
std::vector<std::string> damage_of_all(const std::vector<Record>& records, int threads) {
  std::vector<std::string> reasons(records.size());
  std::vector<std::exception_ptr> errors(records.size());
  std::atomic<std::size_t> next = 0;
  const auto work = [&] {
    for (std::size_t i = next++; i < records.size(); i = next++)
      try {
        reasons[i] = damage_of(records[i]);
      } catch (...) {
        errors[i] = std::current_exception();
      }
  };
  {
    std::vector<std::jthread> helpers;
    for (int i = 1; i < std::min(threads, static_cast<int>(records.size())); ++i)
      helpers.emplace_back(work);
    work();
  }
  for (const std::exception_ptr& error : errors)
    if (error)
      std::rethrow_exception(error);
  return reasons;
}

} // namespace

Json record_of(const std::filesystem::path& file) {
  return {{"bytes", std::filesystem::file_size(file)}, {"xxh3_128", file_hash(file)}};
}

std::vector<Damage> damaged_files(const std::filesystem::path& folder, const Json& records,
                                  int threads) {
  std::vector<Record> all;
  std::vector<Damage> damaged;
  for (const auto& [name, json] : records.items())
    all.push_back(parsed(folder, name, json));
  const std::vector<std::string> reasons = damage_of_all(all, threads);
  std::size_t i = 0;
  for (const auto& [name, json] : records.items())
    if (const std::string& reason = reasons[i++]; !reason.empty())
      damaged.push_back({name, reason});
  return damaged;
}

Json records_in(const Json& run, const std::string& prefix) {
  const Json all = member_or<Json>(run, "files", Json::object(), "run.json");
  require(all.is_object(), "run", "run.json: \"files\" is no object");
  Json chosen = Json::object();
  for (const auto& [name, record] : all.items())
    if (name.starts_with(prefix))
      chosen[name] = record;
  return chosen;
}

void require_intact(const std::filesystem::path& folder, const Json& records, int threads) {
  const std::vector<Damage> damaged = damaged_files(folder, records, threads);
  if (damaged.empty())
    return;
  const std::string others =
      damaged.size() > 1 ? " (and " + std::to_string(damaged.size() - 1) + " more files)" : "";
  throw Error("run", (folder / damaged.front().name).string() + ": " + damaged.front().reason +
                         others +
                         "; give the same quantize command again: it makes anew what is damaged, "
                         "or says why it cannot");
}

} // namespace latticelens
