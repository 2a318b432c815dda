#include "sae/row_optimizer.h"

#include "core/error.h"
#include "core/words.h"
#include "kernels/adam.h"
#include "kernels/signum.h"
#include <algorithm>

namespace latticelens {
namespace {

void decay(float factor, std::int64_t width, float* row) {
  for (std::int64_t i = 0; i < width; ++i)
    row[i] *= factor;
}

class AdamRows : public RowStep {
 public:
  AdamRows(const OptimizerSettings& settings, std::int64_t step)
      : factors_({.rate = rate_at(settings, step),
                  .step = step,
                  .first_decay = settings.first_decay,
                  .second_decay = settings.second_decay,
                  .epsilon = settings.epsilon}),
        kept_(static_cast<float>(1 - rate_at(settings, step) * settings.weight_decay)) {}

  void update(const float* gradient, std::int64_t width, float* row,
              const std::vector<float*>& moments, bool decayed) const override {
    const auto count = static_cast<std::size_t>(width);
    if (decayed && kept_ != 1)
      decay(kept_, width, row);
    adam_update(factors_, {gradient, count}, {row, count}, {moments[0], count},
                {moments[1], count});
  }

 private:
  AdamFactors factors_;
  float kept_;
};

class SignumRows : public RowStep {
 public:
  SignumRows(const OptimizerSettings& settings, std::int64_t step)
      : step_{rate_at(settings, step)},
        kept_(static_cast<float>(1 - step_.rate * settings.weight_decay)) {}

  void update(const float* gradient, std::int64_t width, float* row,
              const std::vector<float*>& moments, bool decayed) const override {
    const auto count = static_cast<std::size_t>(width);
    if (decayed && kept_ != 1)
      decay(kept_, width, row);
    signum_update(step_, {gradient, count}, {row, count}, {moments[0], count});
  }

 private:
  SignumStep step_;
  float kept_;
};

template<class Rows>
std::unique_ptr<RowStep> make(const OptimizerSettings& settings, std::int64_t step) {
  return std::make_unique<Rows>(settings, step);
}

} // namespace

double rate_at(const OptimizerSettings& settings, std::int64_t step) {
  const auto at = static_cast<double>(step), all = static_cast<double>(settings.steps),
             falling = settings.decayed_share * all;
  double share = 1;
  if (step < settings.warm_up)
    share = at / static_cast<double>(settings.warm_up);
  if (falling > 0 && at > all - falling)
    share = std::min(share, std::max(0.0, (all - at) / falling));
  return settings.rate * share;
}

const std::vector<OptimizerRule>& optimizer_rules() {
  static const std::vector<OptimizerRule> rules = {
      {"adam", "Adam, epsilon 6.25e-10; with a weight decay AdamW", 2, make<AdamRows>},
      {"signum", "the momentum's sign", 1, make<SignumRows>},
  };
  return rules;
}

const OptimizerRule& find_optimizer_rule(const std::string& name) {
  std::vector<std::string> known;
  for (const OptimizerRule& rule : optimizer_rules()) {
    if (name == rule.name)
      return rule;
    known.emplace_back(rule.name);
  }
  throw Error("sae", "\"" + name + "\" is no optimizer; known: " + joined(known, ", "));
}

} // namespace latticelens
