// The steps of an autoencoder's parameters, a row at a time: as soon as a row's gradient is known.
#pragma once
#include "tensor/tensor.h"
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace latticelens {

struct OptimizerSettings {
  std::string rule = "adam"; // optimizer_rules()
  double rate = 3e-4;
  std::int64_t warm_up = 1000; // steps over which the rate grows from 0, linearly; then constant
  std::int64_t steps = 0;      // of all of training; 0: not said
  double decayed_share = 0;    // of the steps at the end, over which the rate falls to 0, linearly
  double first_decay = 0.9, second_decay = 0.999, epsilon = 6.25e-10;
  double weight_decay = 0; // of matrices, apart from the gradient (AdamW)
};

/// At step 1, 2, ...
double rate_at(const OptimizerSettings& settings, std::int64_t step);

/// One step of any row of some parameters. Different rows on different threads.
class RowStep {
 public:
  virtual ~RowStep() = default;
  /// row [width] of parameters whose moments lie at moments[i] + the row's offset.
  virtual void update(const float* gradient, std::int64_t width, float* row,
                      const std::vector<float*>& moments, bool decayed) const = 0;
};

struct OptimizerRule {
  const char* name;
  const char* help;
  std::int64_t moments; // numbers that are kept for each parameter
  std::unique_ptr<RowStep> (*step)(const OptimizerSettings& settings, std::int64_t step);
};
const std::vector<OptimizerRule>& optimizer_rules();
/// Error: none of that name; lists them.
const OptimizerRule& find_optimizer_rule(const std::string& name);

} // namespace latticelens
