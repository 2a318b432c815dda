#include "report/next_step.h"

namespace latticelens::report {
namespace {

std::string original_of(const RunData& run) {
  return run.model && !run.model->path.empty() ? shell_word(run.model->path) : "MODEL";
}

} // namespace

std::string shell_word(const std::string& text) {
  const bool plain =
      !text.empty() && text.find_first_not_of("abcdefghijklmnopqrstuvwxyz"
                                              "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                              "0123456789_-./:=,+@") == std::string::npos;
  if (plain)
    return text;
  std::string quoted = "'";
  for (const char c : text)
    quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return quoted + "'";
}

std::string quantize_command(const RunData& run) {
  std::string command = "latticelens quantize " + original_of(run);
  command += run.preset.empty() ? " --method " + shell_word(run.method)
                                : " --preset " + shell_word(run.preset);
  if (run.calibration && !run.calibration->files.empty()) {
    command += " --calibration";
    for (const std::string& file : run.calibration->files)
      command += " " + shell_word(file);
    command += " --windows " + std::to_string(run.calibration->windows) + " --window " +
               std::to_string(run.calibration->window);
  }
  if (!run.seed.empty() && run.seed != "0")
    command += " --seed " + run.seed;
  if (!run.dtype.empty() && run.dtype != "bf16")
    command += " --dtype " + shell_word(run.dtype);
  if (!run.calibration_dtype.empty() && run.calibration_dtype != "fp32")
    command += " --calibration-dtype " + shell_word(run.calibration_dtype);
  return command + " --out " + shell_word(run.folder.string());
}

std::string evaluate_command(const RunData& run) {
  std::string text = " FILE", windows = "16";
  if (!run.evaluations.empty()) { // the same text again, so that the numbers compare
    const EvaluationRow& last = run.evaluations.back();
    text.clear();
    for (const std::string& file : last.text)
      text += " " + shell_word(file);
    windows = std::to_string(last.window_loss.size());
    if (last.window > 0)
      windows += " --window " + std::to_string(last.window);
  }
  return "latticelens evaluate " + shell_word(run.folder.string()) + " --text" + text +
         " --windows " + windows + " --against " + original_of(run);
}

} // namespace latticelens::report
