#include "cli/commands.h"
#include "core/error.h"
#include "core/memory.h"
#include "tensor/cuda_loader.h"
#include <c10/util/Exception.h>
#include <cstdio>

namespace {

constexpr int exit_user_error = 2, exit_internal_error = 3;

int run(int argc, char** argv) {
  CLI::App program("LatticeLens quantizes large language models and shows what was lost.",
                   "latticelens");
  program.set_version_flag("--version", "latticelens " LATTICELENS_VERSION);
  program.require_subcommand(1);
  program.footer(
      "Example: latticelens quantize MODEL --preset brq --calibration text.txt --out run/\n"
      "Exit codes: 0 done, 2 wrong input (one line says what and what to do), 3 a defect of the "
      "program.");
  latticelens::add_quantize(program);
  latticelens::add_evaluate(program);
  latticelens::add_generate(program);
  latticelens::add_compare(program);
  latticelens::add_bench(program);
  latticelens::add_report(program);
  latticelens::add_analyse(program);
  latticelens::add_inspect(program);
  latticelens::add_reduce(program);
  latticelens::add_export(program);
  latticelens::add_list(program);
  latticelens::add_logits(program);
  latticelens::add_tokenize(program);
  try {
    program.parse(argc, argv);
    return 0;
  } catch (const CLI::ParseError& e) {
    return program.exit(e) == 0 ? 0 : exit_user_error;
  } catch (const latticelens::Error& e) {
    std::fprintf(stderr, "latticelens: %s\n", e.what());
    return exit_user_error;
  } catch (const std::bad_alloc&) {
    std::fprintf(
        stderr,
        "latticelens: [memory] not enough memory; use fewer --windows or a smaller model\n");
    return exit_user_error;
  } catch (const c10::Error& e) {
    std::fprintf(stderr, "latticelens: [internal] %s\n", e.what_without_backtrace());
    return exit_internal_error;
  }
}

} // namespace

int main(int argc, char** argv) {
  latticelens::keep_freed_memory();
  latticelens::load_cuda();
  return run(argc, argv);
}
