// The folder of `sae` as its page reads it: web/src/data.ts has the same members.
#pragma once
#include "report/sae_data.h"

namespace latticelens::report {

/// Everything on the page of a folder of autoencoders.
Json sae_json(const SaeData& data);

/// What `report --json` prints of it: the numbers of the page's first sentence.
Json sae_key_numbers(const SaeData& data);

} // namespace latticelens::report
