#include "pretrain/series.h"

#include "core/error.h"
#include "core/files.h"
#include <sstream>

namespace latticelens {
namespace {

constexpr const char* list = "series.json";
constexpr const char* losses = "loss.jsonl";

} // namespace

Series::Series(const std::filesystem::path& folder, const Json& identity)
    : folder_(folder, list, identity) {
  const Json written = read_work_file(at(list));
  checkpoints_ = member_or<Json>(written, "checkpoints", Json::array(), list);
  facts_ = member_or<Json>(written, "facts", Json::object(), list);
}

void Series::start_over() {
  checkpoints_ = Json::array();
  write_text(at(losses), "");
}

void Series::go_back_to(std::int64_t steps) {
  Json kept = Json::array();
  for (const Json& checkpoint : checkpoints_)
    if (member<std::int64_t>(checkpoint, "step", list) <= steps)
      kept.push_back(checkpoint);
  checkpoints_ = kept;
  std::istringstream lines(read_text(at(losses)));
  std::string text, line;
  for (std::int64_t step = 0; step < steps; ++step) {
    require(static_cast<bool>(std::getline(lines, line)), "pretrain",
            at(losses).string() + ": has fewer lines than steps were trained (" +
                std::to_string(steps) + "); train into a new --out");
    text += line + "\n";
  }
  write_text(at(losses), text);
}

void Series::add_checkpoint(const Json& checkpoint) {
  checkpoints_.push_back(checkpoint);
  folder_.write(/*finished=*/false, results());
}

void Series::add_step(const Json& step) {
  append_line(at(losses), to_text(step));
}

Json Series::results() const {
  return {{"facts", facts_}, {"checkpoints", checkpoints_}};
}

} // namespace latticelens
