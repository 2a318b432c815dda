#include "cli/bench_original.h"

#include "core/progress.h"
#include "tensor/safetensors.h"

namespace latticelens {
namespace {

std::string window_name(std::size_t window) {
  return "window." + std::to_string(window);
}

void write_hidden(const std::filesystem::path& file, const std::vector<Tensor>& hidden) {
  std::vector<std::pair<std::string, Tensor>> tensors;
  for (std::size_t i = 0; i < hidden.size(); ++i)
    tensors.emplace_back(window_name(i), hidden[i]);
  write_safetensors(file, tensors);
}

std::vector<Tensor> read_hidden(const std::filesystem::path& path) {
  const SafetensorsFile file(path);
  std::vector<Tensor> hidden;
  for (std::size_t i = 0; i < file.entries().size(); ++i)
    hidden.push_back(file.load(window_name(i)));
  return hidden;
}

} // namespace

Side kept_side(const Model& model, const TokenWindows& windows, const std::filesystem::path& file,
               bool quiet) {
  if (std::filesystem::exists(file))
    return {read_hidden(file), Head(load_head(model))};
  Progress progress("run the original", "steps", model.config.layers, quiet);
  Side side = side_of(model, windows, [&] { progress.step(); });
  write_hidden(file, side.hidden);
  return side;
}

const TaskScores& KeptAnswers::get() {
  if (scores_.empty()) {
    Progress progress("ask the original", "steps", scoring_steps(model_, questions_.items), quiet_);
    scores_ = answers_of(model_, questions_, [&] { progress.step(); });
  }
  return scores_;
}

} // namespace latticelens
