#include "learn/learning_log.h"

#include "core/error.h"
#include "core/files.h"
#include "core/run_directory.h"
#include "core/words.h"
#include <cmath>
#include <cstdio>
#include <numbers>

namespace latticelens {
namespace {

constexpr const char* name = "learning.jsonl";

std::string four_places(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.4f", value);
  return text;
}

} // namespace

double cosine_of(const LearnSpec& spec, std::int64_t step) {
  const double done = static_cast<double>(step) / spec.number("steps");
  return (1 + std::cos(std::numbers::pi * done)) / 2;
}

double rate_of(const LearnSpec& spec, std::int64_t step) {
  return spec.number("rate") * cosine_of(spec, step);
}

void stop_learning(const LearnSpec& spec, std::int64_t steps, const std::string& what) {
  throw Error("learn", "step " + std::to_string(steps + 1) + " at rate " +
                           shortest(rate_of(spec, steps)) + ": " + what +
                           "; give a lower rate: learn=" + spec.name +
                           ":rate=" + shortest(spec.number("rate") / 10));
}

void check_loss(const LearnSpec& spec, std::int64_t steps, double loss) {
  if (!std::isfinite(loss))
    stop_learning(spec, steps, "the loss is not finite");
}

LearningLog::LearningLog(const std::filesystem::path& folder, const LearnSpec& spec,
                         std::int64_t steps)
    : path_(folder / name), spec_(spec) {
  for (const Json& row : read_lines(path_))
    if (member<std::string>(row, "learns", name) != spec.name)
      others_.push_back(row);
    else if (member<std::int64_t>(row, "step", name) <= steps)
      rows_.push_back(row);
}

bool LearningLog::complete(std::int64_t steps) const {
  return !rows_.empty() && rows_.back().contains("held_out_loss") &&
         (steps == 0 || rows_.size() > 1) && rows_.back()["step"] == steps;
}

void LearningLog::add_step(std::int64_t step, double loss, Json more) {
  more.update({{"learns", spec_.name}, {"step", step}, {"loss", loss}});
  rows_.push_back(std::move(more));
}

void LearningLog::add_held_out(std::int64_t step, double loss) {
  check_loss(spec_, step, loss);
  rows_.push_back({{"learns", spec_.name}, {"step", step}, {"held_out_loss", loss}});
}

void LearningLog::write() const {
  std::string text;
  for (const auto* rows : {&others_, &rows_})
    for (const Json& row : *rows)
      text += to_text(row) + "\n";
  write_text(path_, text);
}

bool learning_is_over(const std::filesystem::path& folder, const LearnSpec& spec) {
  const std::int64_t steps = spec.count("steps");
  return LearningLog(folder, spec, steps).complete(steps) &&
         !std::filesystem::exists(folder / "learning");
}

std::string LearningLog::last_loss() const {
  for (auto row = rows_.rbegin(); row != rows_.rend(); ++row)
    if (row->contains("loss"))
      return "loss " + four_places((*row)["loss"].get<double>());
  return "";
}

std::string LearningLog::summary() const {
  const auto held_out = [](const Json& row) {
    return four_places(member<double>(row, "held_out_loss", name));
  };
  return "loss on tokens held out: " + held_out(rows_.front()) + " before learning, " +
         held_out(rows_.back()) + " after";
}

} // namespace latticelens
