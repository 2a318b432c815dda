#include "formats/scale_rules.h"

#include "core/error.h"

namespace latticelens {
namespace {

// Significand at which a block's maximum gets the next power of two, from the grid's own numbers.
float even_threshold(const Format& format) {
  return 2 - std::ldexp(1.0f, -(format.grid.mantissa_bits + 1));
}
float maximum_significand(const Format& format) {
  return static_cast<float>(std::ldexp(format.grid.maximum, -format.rule.grid_exponent));
}

void set_floor(Format& format) {
  format.rule.threshold = 2;
}
void set_even(Format& format) {
  format.rule.threshold = even_threshold(format);
  format.rule.inclusive = true;
}
void set_rceil(Format& format) {
  format.rule.threshold = maximum_significand(format);
}
void set_seven_and_a_quarter(Format& format) {
  require(format.name == "mxfp4", "format",
          "the scale rule 7.25 is defined for mxfp4 only, not " + format.name);
  format.rule.threshold = 7.25f / 4;
}
void set_search(Format& format) {
  format.rule.search = true;
}

struct Rule {
  ScaleRuleRow row;
  void (*set)(Format&);
};
constexpr Rule rules[] = {
    {{"floor",
      "2^(floor(log2 max) - grid exponent): OCP; the default; the largest values saturate"},
     set_floor},
    {{"even", "floor, one higher when the maximum would round up to the next power of two"},
     set_even},
    {{"rceil", "the smallest power of two for which nothing saturates"}, set_rceil},
    {{"7.25",
      "the smallest power of two with max/scale <= 7.25: least error for bell-shaped blocks"},
     set_seven_and_a_quarter},
    {{"search", "floor or one higher, whichever has the smaller squared error"}, set_search},
};

} // namespace

bool set_scale_rule(Format& format, std::string_view name) {
  for (const Rule& rule : rules)
    if (name == rule.row.name) {
      format.rule.inclusive = format.rule.search = false;
      rule.set(format);
      return true;
    }
  return false;
}

const std::vector<ScaleRuleRow>& scale_rules() {
  static const std::vector<ScaleRuleRow> table = [] {
    std::vector<ScaleRuleRow> all;
    for (const Rule& rule : rules)
      all.push_back(rule.row);
    return all;
  }();
  return table;
}

} // namespace latticelens
