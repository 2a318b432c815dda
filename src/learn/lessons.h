// Which part of the calibration text each step of learning sees.
#pragma once
#include "quantize/learn_spec.h"
#include "tensor/tensor.h"
#include "text/corpus.h"

namespace latticelens {

/// Those at these places.
std::vector<Tensor> chosen(const std::vector<Tensor>& tensors,
                           const std::vector<std::int64_t>& places);

class Lessons {
 public:
  /// spec's tokens a step: less than a window, or whole windows. The text's last ones are held out;
  /// all other parts come once, in an order drawn from the seed, before any comes again. Error: the
  /// text has not twice as many tokens, or they are no whole windows.
  Lessons(const TokenWindows& text, const LearnSpec& spec, std::uint64_t seed);

  /// ids [n, t] of a step.
  Tensor ids(std::int64_t step) const;
  /// As many tokens that no step sees.
  Tensor held_out() const;
  /// Which of the text's parts these are, and the parts themselves [t].
  std::vector<std::int64_t> parts_of(std::int64_t step) const;
  std::vector<std::int64_t> parts_held_out() const;
  const std::vector<Tensor>& parts() const { return parts_; }

 private:
  std::int64_t part(std::int64_t draw) const;
  std::vector<Tensor> parts_; // [t] each
  std::int64_t parts_a_step_;
  std::uint64_t seed_;
};

} // namespace latticelens
