// A folder of checkpoints: series.json lists them, loss.jsonl has a line a step.
#pragma once
#include "core/work_folder.h"
#include "pretrain/recipe.h"

namespace latticelens {

class Series {
 public:
  /// Starts or continues. Errors: those of WorkFolder.
  Series(const std::filesystem::path& folder, const Json& identity);

  bool finished() const { return folder_.finished(); }
  std::filesystem::path at(const std::string& name) const { return folder_.path() / name; }
  /// What does not change while it is trained: parameters, tokens of the text.
  void describe(const Json& facts) { facts_ = facts; }
  /// Forgets all steps and checkpoints.
  void start_over();
  /// Forgets what was written behind a step, from which training goes on. Error: loss.jsonl lacks
  /// steps before it.
  void go_back_to(std::int64_t steps);
  /// Adds a checkpoint to series.json.
  void add_checkpoint(const Json& checkpoint);
  /// Adds a step to loss.jsonl.
  void add_step(const Json& step);
  void finish() { folder_.write(/*finished=*/true, results()); }
  Json results() const;

 private:
  WorkFolder folder_;
  Json facts_ = Json::object();
  Json checkpoints_ = Json::array();
};

} // namespace latticelens
