#include "cli/exit_codes.h"
#include "cli/program.h"
#include "core/error.h"
#include "core/memory.h"
#include "core/words.h"
#include "tensor/cuda_loader.h"
#include <c10/util/Exception.h>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <iostream>

namespace latticelens {
namespace {

int fail(int code, const std::string& what) {
  std::fprintf(stderr, "latticelens: %s\n", what.c_str());
  return code;
}

/// A result that did not reach its file must not look like a success.
void require_written() {
  errno = 0;
  std::cout.flush();
  const bool written = std::fflush(stdout) == 0 && std::ferror(stdout) == 0 && std::cout.good();
  require(written, "output",
          std::string("standard output cannot be written: ") +
              (errno != 0 ? std::strerror(errno) : "its place may be full") +
              "; give it a place with room");
}

/// A word where a command should be is better named than missed.
void require_command(const CLI::App& program, int argc, char** argv) {
  if (argc < 2 || argv[1][0] == '-')
    return;
  std::vector<std::string> known;
  for (const CLI::App* command : program.get_subcommands(nullptr)) {
    if (command->check_name(argv[1]))
      return;
    known.push_back(command->get_name());
  }
  throw Error("command", "\"" + std::string(argv[1]) + "\" is unknown; known: " +
                             joined(known, ", ") + "; latticelens --help says more");
}

int parse(CLI::App& program, int argc, char** argv) {
  require_command(program, argc, argv);
  try {
    program.parse(argc, argv);
    return exit_done;
  } catch (const CLI::ParseError& e) {
    return program.exit(e) == 0 ? exit_done
                                : exit_wrong_input; // --help and --version are errors too
  }
}

int run(int argc, char** argv) {
  try {
    const int code = parse(*make_program(), argc, argv);
    require_written();
    return code;
  } catch (const Error& e) {
    return fail(exit_wrong_input, e.what());
  } catch (const std::bad_alloc&) {
    return fail(exit_wrong_input,
                "[memory] not enough memory; use fewer --windows or a smaller model");
  } catch (const c10::OutOfMemoryError&) {
    return fail(exit_wrong_input, "[memory] the device has not enough memory; use a shorter "
                                  "--window, a smaller model or --device cpu");
  } catch (const std::filesystem::filesystem_error& e) {
    return fail(exit_wrong_input, std::string("[file] ") + e.what());
  } catch (const c10::Error& e) {
    return fail(exit_defect, std::string("[internal] ") + e.what_without_backtrace());
  } catch (const std::exception& e) {
    return fail(exit_defect, std::string("[internal] ") + e.what());
  }
}

} // namespace
} // namespace latticelens

int main(int argc, char** argv) {
  latticelens::keep_freed_memory();
  latticelens::load_cuda();
  return latticelens::run(argc, argv);
}
