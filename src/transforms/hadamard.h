// Multiplication by a (block) Hadamard matrix, with random signs before it.
#pragma once
#include "transforms/transform.h"

namespace latticelens {

std::unique_ptr<Transform> make_hadamard(const TransformSpec& spec, const TransformPlace& place);

} // namespace latticelens
