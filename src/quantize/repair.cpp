#include "quantize/repair.h"

#include "core/error.h"
#include "core/recorded_files.h"
#include <ATen/Parallel.h>
#include <cstdio>

namespace latticelens {
namespace {

/// What is left of a whole model is the stream run through its shards: only that can be repeated.
bool can_be_made_anew(const std::string& name, const Method& method) {
  return name.starts_with("model/") &&
         !(name.ends_with(".safetensors") && learning(method, "codes"));
}

} // namespace

bool remove_damaged(RunDirectory& run, const Method& method, bool quiet) {
  const std::vector<Damage> damaged =
      damaged_files(run.path(), run.records(), at::get_num_threads());
  for (const auto& [name, reason] : damaged)
    require(can_be_made_anew(name, method), "run",
            (run.path() / name).string() + ": " + reason +
                "; the rest of the run follows from it: " + "remove " + run.path().string() +
                " and quantize again");
  for (const auto& [name, reason] : damaged) {
    if (!quiet)
      std::fprintf(stderr, "%s: %s; made anew\n", (run.path() / name).string().c_str(),
                   reason.c_str());
    // The file goes first: without a record it would be trusted.
    std::filesystem::remove(run.path() / name);
    run.forget(name);
  }
  return !damaged.empty();
}

} // namespace latticelens
