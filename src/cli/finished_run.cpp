#include "cli/finished_run.h"

#include "cli/text_options.h"
#include "core/error.h"
#include "core/files.h"
#include "core/recorded_files.h"
#include "core/run_directory.h"
#include "learn/learn.h"
#include "quantize/carried_files.h"
#include "quantize/prepare_model.h"
#include <ATen/Parallel.h>

namespace latticelens {
namespace {

const std::string where = "run.json";

Json finished(const std::filesystem::path& path) {
  Json run = read_run(path);
  require(member<std::string>(run, "state", where) == "finished", "run",
          path.string() + ": is not finished; run the same quantize command again to finish it");
  require_intact(path, records_in(run), at::get_num_threads());
  return run;
}

OpenedModel original_of(const Json& run, bool quiet) {
  const auto path = member<std::string>(member<Json>(run, "model", where), "path", where);
  require(std::filesystem::exists(path), "run",
          path + ": the original model is no longer there; put it back, this needs its weights");
  const auto hash = member<std::string>(member<Json>(run, "identity", where), "model_hash", where);
  require(model_hash(path, quiet) == hash, "run",
          path + ": is another model than the one that was quantized; put the original back");
  return open_model(path);
}

TokenWindows calibration_of(const Json& run, const std::vector<std::string>& given,
                            const std::filesystem::path& model) {
  const Json identity = member<Json>(run, "identity", where);
  TextOptions options;
  options.files = given.empty() ? member<std::vector<std::string>>(
                                      member<Json>(run, "calibration", where), "files", where)
                                : given;
  options.windows = member<std::int64_t>(identity, "windows", where);
  if (options.windows == 0)
    return {};
  options.window = member<std::int64_t>(identity, "window", where);
  TokenWindows windows = read_windows(options, *tokenizer_of(model));
  require(hash_of(windows) == member<std::string>(identity, "calibration_hash", where), "run",
          options.files.front() +
              ": is not the text that the run was calibrated on; give it with --calibration");
  return windows;
}

} // namespace

FinishedRun::FinishedRun(const std::filesystem::path& path,
                         const std::vector<std::string>& calibration, bool quiet)
    : path_(path), run_(finished(path)), rows_(read_lines(path / "layers.jsonl")),
      original_(original_of(run_, quiet)),
      calibration_(calibration_of(run_, calibration, original_.model.path)) {
  const Method method =
      parse_method(member<std::string>(member<Json>(run_, "identity", where), "method", where));
  original_.model = prepare_model(original_.model, method, calibration_, path, quiet);
}

QuantizeRequest FinishedRun::request() const {
  const Json identity = member<Json>(run_, "identity", where);
  QuantizeRequest request{.model = original_.model,
                          .method = parse_method(member<std::string>(identity, "method", where)),
                          .calibration = calibration_,
                          .seed = member<Json>(identity, "seed", where).get<std::uint64_t>(),
                          .storage = parse_storage(member<std::string>(identity, "dtype", where)),
                          .calibration_storage = parse_storage(
                              member<std::string>(identity, "calibration_dtype", where))};
  read_learned(request, path_);
  return request;
}

std::string FinishedRun::full_name(const Json& row) const {
  return block_prefix(original_.model, member<std::int64_t>(row, "layer", "layers.jsonl")) +
         member<std::string>(row, "linear", "layers.jsonl");
}

const Json& FinishedRun::row(const std::string& linear) const {
  for (const Json& row : rows_)
    if (full_name(row) == linear)
      return row;
  throw Error("run", (path_ / "layers.jsonl").string() + ": has no row of " + linear);
}

} // namespace latticelens
