// What a finished run was made from, opened again.
#pragma once
#include "core/json.h"
#include "quantize/layer_loop.h"

namespace latticelens {

class FinishedRun {
 public:
  /// calibration: texts to read instead of those that run.json names (they may have moved). Errors:
  /// not a run, not finished, the original model or the text is not the one that the run had.
  FinishedRun(const std::filesystem::path& path, const std::vector<std::string>& calibration,
              bool quiet);

  QuantizeRequest request() const;
  std::filesystem::path packed_model() const { return path_ / "model"; }
  /// "model.layers.3.mlp.down_proj" of a row of layers.jsonl.
  std::string full_name(const Json& row) const;
  /// The row of layers.jsonl of "model.layers.3.mlp.down_proj". Error when there is none.
  const Json& row(const std::string& linear) const;
  const std::vector<Json>& rows() const { return rows_; }
  const Json& run() const { return run_; }

 private:
  std::filesystem::path path_;
  Json run_;
  std::vector<Json> rows_;
  OpenedModel original_;
  TokenWindows calibration_;
};

} // namespace latticelens
