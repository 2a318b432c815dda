#include "tensor/gguf_scale_search.h"

#include <algorithm>
#include <cmath>
#include <vector>

namespace latticelens::gguf {
namespace {

constexpr float tiny = 1e-15f; // a block below this is zero

/// The value of the largest magnitude, with its sign.
float extreme(Numbers values) {
  float found = 0;
  for (const float value : values)
    if (std::fabs(value) > std::fabs(found))
      found = value;
  return found;
}

/// Sums from which the best scale for given codes follows: sum of w x q over sum of w q q.
struct Projection {
  float mixed = 0, square = 0;
  bool beats(float best) const { return square > 0 && mixed * mixed > best * square; }
};

/// The best scale among those that the codes of each inverse scale ask for.
class ScaleChoice {
 public:
  void consider(const Projection& sums) {
    if (!sums.beats(best_))
      return;
    scale_ = sums.mixed / sums.square;
    best_ = scale_ * sums.mixed;
  }
  void start(const Projection& sums) {
    scale_ = sums.square > 0 ? sums.mixed / sums.square : 0;
    best_ = scale_ * sums.mixed;
  }
  float scale() const { return scale_; }

 private:
  float scale_ = 0, best_ = 0;
};

struct Codes {
  std::vector<int> codes;
  float error = 0;
};

Codes codes_for(Numbers values, float inverse, float minimum, int most) {
  Codes found{std::vector<int>(values.size()), 0};
  for (std::size_t i = 0; i < values.size(); ++i)
    found.codes[i] = std::clamp(nearest_integer(inverse * (values[i] - minimum)), 0, most);
  return found;
}

float error_of(Numbers values, Numbers weights, const Codes& found, AffineScale scale) {
  float error = 0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const float off = scale.scale * static_cast<float>(found.codes[i]) + scale.minimum - values[i];
    error += weights[i] * (off * off);
  }
  return error;
}

/// Weighted sums over a block's values, and over their codes.
struct BlockSums {
  float weight = 0, value = 0;
};
struct CodeSums {
  float code = 0, square = 0, mixed = 0;
};

BlockSums block_sums(Numbers values, Numbers weights) {
  BlockSums sums;
  for (std::size_t i = 0; i < values.size(); ++i) {
    sums.weight += weights[i];
    sums.value += weights[i] * values[i];
  }
  return sums;
}

CodeSums code_sums(Numbers values, Numbers weights, const std::vector<int>& codes) {
  CodeSums sums;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const float code = static_cast<float>(codes[i]), weight = weights[i];
    sums.code += weight * code;
    sums.square += weight * code * code;
    sums.mixed += weight * code * values[i];
  }
  return sums;
}

/// Least squares for given codes, with a minimum that is not positive. False: all codes are alike.
bool regress(const BlockSums& block, const CodeSums& code, AffineScale& result) {
  const float determinant = block.weight * code.square - code.code * code.code;
  if (!(determinant > 0))
    return false;
  result.scale = (block.weight * code.mixed - block.value * code.code) / determinant;
  result.minimum = (code.square * block.value - code.code * code.mixed) / determinant;
  if (result.minimum > 0) {
    result.minimum = 0;
    result.scale = code.mixed / code.square;
  }
  return true;
}

} // namespace

int nearest_integer(float value) {
  return static_cast<int>(std::nearbyint(value));
}

float search_symmetric_scale(Numbers values, Numbers weights, int lowest) {
  const float most = extreme(values);
  if (std::fabs(most) < tiny)
    return 0;
  const auto of = [&](float inverse) {
    Projection sums;
    for (std::size_t i = 0; i < values.size(); ++i) {
      const float code =
          static_cast<float>(std::clamp(nearest_integer(inverse * values[i]), lowest, -lowest - 1));
      sums.mixed += weights[i] * values[i] * code;
      sums.square += weights[i] * code * code;
    }
    return sums;
  };
  ScaleChoice choice;
  choice.start(of(static_cast<float>(lowest) / most));
  for (int i = -9; i <= 9; ++i)
    if (i != 0)
      choice.consider(of(-(static_cast<float>(-lowest) + 0.1f * static_cast<float>(i)) / most));
  return choice.scale();
}

AffineScale search_affine_scale(Numbers values, Numbers weights, const AffineSearch& search) {
  const auto [least, largest] = std::ranges::minmax(values);
  const float minimum = std::min(least, 0.0f);
  if (largest == minimum)
    return {0, minimum};
  const float first = static_cast<float>(search.most) / (largest - minimum);
  const BlockSums block = block_sums(values, weights);
  AffineScale best{1 / first, minimum};
  float least_error =
      error_of(values, weights, codes_for(values, first, minimum, search.most), best);
  for (int i = 0; i <= search.count; ++i) { // each from the best minimum so far
    const float codes =
        search.first + search.step * static_cast<float>(i) + static_cast<float>(search.most);
    const Codes found =
        codes_for(values, codes / (largest - best.minimum), best.minimum, search.most);
    AffineScale fitted;
    if (!regress(block, code_sums(values, weights, found.codes), fitted))
      continue;
    const float error = error_of(values, weights, found, fitted);
    if (error < least_error) {
      least_error = error;
      best = fitted;
    }
  }
  return best;
}

float search_table_scale(Numbers values, Numbers weights, std::span<const int> table, int tries) {
  const float most = extreme(values), low = static_cast<float>(table.front());
  if (std::fabs(most) < tiny)
    return 0;
  const auto of = [&](float inverse) {
    Projection sums;
    for (std::size_t i = 0; i < values.size(); ++i) {
      const float entry = static_cast<float>(
          table[static_cast<std::size_t>(nearest_index(table, inverse * values[i]))]);
      sums.mixed += weights[i] * entry * values[i]; // in this order: ggml's bytes
      sums.square += weights[i] * entry * entry;
    }
    return sums;
  };
  ScaleChoice choice;
  choice.start(of(1 / (tries > 0 ? -most / low : most / low)));
  for (int i = -tries; i <= tries; ++i)
    choice.consider(of((static_cast<float>(i) + low) / most));
  return choice.scale();
}

int nearest_index(std::span<const int> table, float value) {
  const auto above =
      std::ranges::find_if(table, [&](int entry) { return value < static_cast<float>(entry); });
  const auto upper = static_cast<std::size_t>(above - table.begin());
  if (upper == 0)
    return 0;
  if (upper == table.size())
    return static_cast<int>(upper - 1);
  const bool lower =
      value - static_cast<float>(table[upper - 1]) < static_cast<float>(table[upper]) - value;
  return static_cast<int>(lower ? upper - 1 : upper);
}

} // namespace latticelens::gguf
