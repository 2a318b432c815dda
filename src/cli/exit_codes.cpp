#include "cli/exit_codes.h"

namespace latticelens {

const std::vector<ExitCode>& exit_codes() {
  static const std::vector<ExitCode> table = {
      {exit_done, "Done."},
      {exit_wrong_input, "Wrong usage, wrong input, or no place to write; a line on standard error "
                         "says what to do."},
      {exit_defect, "A defect of the program; the line on standard error is worth reporting."},
      {130, "Interrupted by Ctrl-C (SIGINT); the same quantize or bench command goes on where it "
            "was."},
      {137, "Killed (SIGKILL), as by the system when memory is short; it goes on as after 130."},
      {141, "The reader of standard output went away (SIGPIPE)."},
      {143, "Ended by SIGTERM; it goes on as after 130."},
  };
  return table;
}

} // namespace latticelens
