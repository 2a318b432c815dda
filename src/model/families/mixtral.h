// Mixtral: LLaMA's attention before a router and experts.
#pragma once
#include "model/family.h"

namespace latticelens {

Family mixtral_family();

} // namespace latticelens
