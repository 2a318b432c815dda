// Writes the synthetic model, for trying commands on a model of that size.
#include "bench/synthetic_model.h"
#include "core/memory.h"
#include <cstdio>
#include <cstdlib>
#include <exception>

int main(int count, char** arguments) {
  latticelens::keep_freed_memory();
  const std::int64_t layers = count == 3 ? std::atoll(arguments[2]) : 0;
  if (layers < 1) {
    std::fprintf(stderr, "usage: bench_make_model FOLDER LAYERS\n"
                         "example: bench_make_model synthetic/ 28\n");
    return 2;
  }
  try {
    latticelens::write_synthetic_model(arguments[1], layers);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 2;
  }
}
