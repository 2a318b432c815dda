#include "core/memory.h"

#include <malloc.h>

namespace latticelens {

void keep_freed_memory() {
  ::mallopt(M_MMAP_THRESHOLD, 1 << 30);
  ::mallopt(M_TRIM_THRESHOLD, -1);
}

} // namespace latticelens
