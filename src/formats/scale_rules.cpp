#include "formats/scale_rules.h"

#include "core/error.h"
#include <array>

namespace latticelens {
namespace {

// Significand at which a block's maximum gets the next power of two, from the grid's own numbers.
float even_threshold(const Format& format) {
  return 2 - std::ldexp(1.0f, -(format.grid.mantissa_bits + 1));
}
float maximum_significand(const Format& format) {
  return static_cast<float>(std::ldexp(format.grid.maximum, -format.rule.grid_exponent));
}

void require_power_of_two(const Format& format, const std::string& rule) {
  require(!format.rule.scale_grid, "format",
          "the scale rule " + rule + " chooses powers of two, which " + format.name +
              " is not bound to; write maximum or search");
}
void require_free(const Format& format, const std::string& rule) {
  require(format.rule.scale_grid.has_value(), "format",
          "the scale rule " + rule + " is for scales that are no powers of two, not " +
              format.name);
}

void set_floor(Format& format) {
  require_power_of_two(format, "floor");
  format.rule.threshold = 2;
}
void set_even(Format& format) {
  require_power_of_two(format, "even");
  format.rule.threshold = even_threshold(format);
  format.rule.inclusive = true;
}
void set_rceil(Format& format) {
  require_power_of_two(format, "rceil");
  format.rule.threshold = maximum_significand(format);
}
void set_ceil(Format& format) {
  require_power_of_two(format, "ceil");
  format.rule.threshold = 1;
}
void set_seven_and_a_quarter(Format& format) {
  require(format.name.starts_with("mxfp4"), "format",
          "the scale rule 7.25 is defined for mxfp4 only, not " + format.name);
  format.rule.threshold = 7.25f / 4;
}
/// compressed-tensors takes MXFP4's threshold for elements of 8 bits.
void set_one_and_three_quarters(Format& format) {
  require_power_of_two(format, "1.75");
  format.rule.threshold = 1.75f;
  format.rule.inclusive = true;
}
void set_maximum(Format& format) {
  require_free(format, "maximum");
}

// The maximum may lie beyond the grid or well inside it.
constexpr auto search_multipliers = [] {
  std::array<float, 29> all{1};
  for (int i = 0; i < 28; ++i) // 1.375 down to 0.5 without 1
    all[i + 1] = static_cast<float>(i < 12 ? 44 - i : 43 - i) / 32;
  return all;
}();
constexpr float four_over_six[] = {1, 1.5f};

constexpr float this_or_twice[] = {1, 2};

void set_search(Format& format) {
  if (format.rule.scale_grid)
    format.rule.multipliers = search_multipliers;
  else
    format.rule.multipliers = this_or_twice;
}
void set_four_over_six(Format& format) {
  require(format.rule.tensor_maximum > 0, "format",
          "the scale rule four-over-six is defined for nvfp4 only, not " + format.name);
  format.rule.tensor_maximum = 256; // leaves room for the larger of the two scales
  format.rule.multipliers = four_over_six;
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
    {{"1.75", "floor, one higher when the maximum's significand reaches 1.75: what "
              "compressed-tensors does for inputs in mxfp8-e4m3"},
     set_one_and_three_quarters},
    {{"ceil", "the smallest power of two times the grid's own that is not below the maximum"},
     set_ceil},
    {{"search",
      "the scale with the least squared error: floor or one higher, or of 29 around the maximum's"},
     set_search},
    {{"maximum", "free scales: the block's maximum becomes the grid's; their default"},
     set_maximum},
    {{"four-over-six",
      "nvfp4: the maximum becomes 6 or 4, whichever has the smaller squared error"},
     set_four_over_six},
};

} // namespace

bool set_scale_rule(Format& format, std::string_view name) {
  for (const Rule& rule : rules)
    if (name == rule.row.name) {
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
