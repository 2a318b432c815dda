// Going on with a run some of whose files were damaged after they were written.
#pragma once
#include "core/run_directory.h"
#include "quantize/method.h"

namespace latticelens {

/// Removes what the layer loop makes anew (shards, the index, config.json, tokenizer files), with a
/// line for each unless quiet. Returns whether there was any. Error: another file is damaged, or a
/// shard whose codes were learned after the loop; nothing is removed then.
bool remove_damaged(RunDirectory& run, const Method& method, bool quiet);

} // namespace latticelens
