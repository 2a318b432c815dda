// How the process treats memory.
#pragma once

namespace latticelens {

/// Keeps freed memory for the next allocation: LibTorch allocates large results all the time, and
/// fresh pages cost more than the arithmetic on them. Call once, first in main.
void keep_freed_memory();

} // namespace latticelens
