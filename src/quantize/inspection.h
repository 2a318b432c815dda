// The lattice of one layer, seen from all sides: what `latticelens inspect` shows.
#pragma once
#include "core/json.h"
#include "quantize/revisit.h"

namespace latticelens {

/// One way to round, to be tried on a layer.
struct Alternative {
  std::string rounding, order = "natural", scales = "current";
};

/// "ROUNDING[ ORDER[ SCALES]]", as in "kbest:8 min-pivot search". Errors: those of the parts.
Alternative parse_alternative(const std::string& text);
std::string to_text(const Alternative& alternative);
/// Those that are tried when nothing else is asked for; gptq in natural order is the first.
const std::vector<Alternative>& usual_alternatives();

/// One object a linear: `orders` (profile: log2 L_ii in the order of rounding, and what it says of
/// Babai's rule), `certificate` with every bound, `overflow` forecast and seen, `alternatives` with
/// their weighted error relative to the first one's. `damping`, `strength`: of the run's row.
Json inspect_linear(const VisitedLinear& linear, const Moments& moments, const Method& method,
                    double damping, double strength, const std::vector<Alternative>& alternatives);

} // namespace latticelens
