// learning.jsonl: what every step of learning saw, and the loss on tokens held out before the first
// and after the last.
#pragma once
#include "core/json.h"
#include "quantize/learn_spec.h"
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace latticelens {

/// A cosine over the steps, from 1 at the first one towards 0.
double cosine_of(const LearnSpec& spec, std::int64_t step);

/// The rate of a step: a cosine from the first one's to zero.
double rate_of(const LearnSpec& spec, std::int64_t step);

/// Error: a loss that is not finite, at the step after `steps`.
void check_loss(const LearnSpec& spec, std::int64_t steps, double loss);

/// Error: learning cannot go on from the step after `steps`; it says which rate to try.
[[noreturn]] void stop_learning(const LearnSpec& spec, std::int64_t steps, const std::string& what);

/// The rows of one learning; those of others stay before them.
class LearningLog {
 public:
  /// Goes on after the rows of an earlier run up to the step `steps`.
  LearningLog(const std::filesystem::path& folder, const LearnSpec& spec, std::int64_t steps);

  /// Whether the loss after all steps is there.
  bool complete(std::int64_t steps) const;
  bool empty() const { return rows_.empty(); }
  void add_step(std::int64_t step, double loss, Json more);
  void add_held_out(std::int64_t step, double loss);
  /// All rows, under a temporary name first.
  void write() const;
  std::string last_loss() const;
  /// "loss on tokens held out: ... before learning, ... after".
  std::string summary() const;

 private:
  std::filesystem::path path_;
  const LearnSpec& spec_;
  std::vector<Json> others_, rows_;
};

/// Whether learning in a run's folder has ended and what it left is in safety.
bool learning_is_over(const std::filesystem::path& folder, const LearnSpec& spec);

} // namespace latticelens
