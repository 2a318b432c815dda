#include "kernels/adam.h"

#include <cmath>
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/adam.cpp"
#include <hwy/foreach_target.h> // compiles this file once for each instruction set

#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace latticelens::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

/// Multiplications and additions apart, so that the bytes do not depend on the instruction set.
void update(const AdamFactors& f, const float* HWY_RESTRICT gradient, std::size_t count,
            float* HWY_RESTRICT parameters, float* HWY_RESTRICT first, float* HWY_RESTRICT second) {
  const auto some = [&](auto d, std::size_t i) HWY_ATTR {
    const auto g = hn::LoadU(d, gradient + i);
    const auto m = hn::Add(hn::Mul(hn::Set(d, f.first), hn::LoadU(d, first + i)),
                           hn::Mul(hn::Set(d, 1 - f.first), g));
    const auto v = hn::Add(hn::Mul(hn::Set(d, f.second), hn::LoadU(d, second + i)),
                           hn::Mul(hn::Mul(hn::Set(d, 1 - f.second), g), g));
    const auto size = hn::Add(hn::Sqrt(hn::Mul(v, hn::Set(d, f.unbiased))), hn::Set(d, f.epsilon));
    const auto change = hn::Div(hn::Mul(hn::Set(d, f.rate), m), size);
    hn::StoreU(m, d, first + i);
    hn::StoreU(v, d, second + i);
    hn::StoreU(hn::Sub(hn::LoadU(d, parameters + i), change), d, parameters + i);
  };
  const hn::ScalableTag<float> d;
  const hn::CappedTag<float, 1> one;
  std::size_t i = 0;
  for (; i + hn::Lanes(d) <= count; i += hn::Lanes(d))
    some(d, i);
  for (; i < count; ++i)
    some(one, i);
}

} // namespace latticelens::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace latticelens {

HWY_EXPORT(update);

AdamFactors::AdamFactors(const AdamStep& step)
    : first(static_cast<float>(step.first_decay)), second(static_cast<float>(step.second_decay)) {
  const auto steps = static_cast<double>(step.step);
  rate = static_cast<float>(step.rate / (1 - std::pow(step.first_decay, steps)));
  unbiased = static_cast<float>(1 / (1 - std::pow(step.second_decay, steps)));
  epsilon = static_cast<float>(step.epsilon);
}

void adam_update(const AdamFactors& step, std::span<const float> gradient,
                 std::span<float> parameters, std::span<float> first, std::span<float> second) {
  HWY_DYNAMIC_DISPATCH(update)
  (step, gradient.data(), gradient.size(), parameters.data(), first.data(), second.data());
}

void adam_update(const AdamStep& step, std::span<const float> gradient, std::span<float> parameters,
                 std::span<float> first, std::span<float> second) {
  adam_update(AdamFactors(step), gradient, parameters, first, second);
}

} // namespace latticelens
#endif
