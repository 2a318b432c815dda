// The `main` of a benchmark that takes a fixed number of arguments.
#pragma once
#include "core/memory.h"
#include <cstdio>
#include <exception>

namespace latticelens {

/// Runs `work`; 2 and one line on stderr for a wrong number of arguments or an error.
template<class Work>
int run_benchmark(int count, int wanted, const char* usage, const Work& work) {
  keep_freed_memory();
  if (count != wanted + 1) {
    std::fprintf(stderr, "%s", usage);
    return 2;
  }
  try {
    work();
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 2;
  }
  return 0;
}

} // namespace latticelens
