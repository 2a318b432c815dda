#include "cli/exit_codes.h"

namespace latticelens {

const std::vector<ExitCode>& exit_codes() {
  static const std::vector<ExitCode> table = {
      {exit_done, "Done."},
      {exit_wrong_input, "Wrong usage, wrong input, or no place to write: one line on standard "
                         "error says what, why and what to do. Files are as they were, or whole."},
      {exit_defect, "A defect of the program; the line on standard error is worth reporting."},
      {130, "Interrupted (Ctrl-C, SIGINT). 143: ended by SIGTERM, 137: by SIGKILL, 141: the reader "
            "of standard output went away. The same quantize or bench command goes on where it "
            "was."},
  };
  return table;
}

} // namespace latticelens
