#include "rounding/hptq.h"

#include "core/error.h"
#include "formats/huffman.h"
#include "lattice/with_reduction.h"
#include "rounding/lattice_problem.h"
#include <ATen/ATen.h>
#include <cmath>

namespace latticelens {
namespace {

constexpr int bisections = 16; // of the logarithm of the scale

std::vector<std::int32_t> codes_of(const Tensor& integers) {
  const Tensor codes = integers.to(at::kInt).contiguous();
  return {codes.const_data_ptr<int>(), codes.const_data_ptr<int>() + codes.numel()};
}

double bits_of(const Tensor& integers) {
  return static_cast<double>(huffman_bits(codes_of(integers))) /
         static_cast<double>(integers.numel());
}

using ToIntegers = std::function<Tensor(const LatticeProblem&, const Tensor& u)>;

Rounded round_coded(const RoundingProblem& layer, const std::map<std::string, double>& options,
                    const ToIntegers& to_integers) {
  const double wanted = options.at("bits");
  require(wanted > 1 && wanted <= 16, "rounding", "hptq: from 1 to 16 bits on average");
  RoundingProblem free = layer; // no blocks: any order of single coordinates
  free.scales = {ScaleTime::fixed};
  double reached = 0;
  Rounded rounded = round_on_lattice(free, options.at("damp"), [&](const LatticeProblem& problem) {
    const Tensor target = problem.target.to(at::kDouble);
    const double spread = std::max(target.square().mean().sqrt().item<double>(), 1e-30);
    double low = std::log2(spread) - 14, high = std::log2(spread) + 4; // fine, coarse
    for (int i = 0; i < bisections; ++i) {
      const double middle = (low + high) / 2;
      (bits_of(to_integers(problem, target / std::exp2(middle))) > wanted ? low : high) = middle;
    }
    const double step = static_cast<float>(std::exp2(high)); // as it is stored
    const Tensor integers = to_integers(problem, target / step);
    reached = bits_of(integers);
    BabaiResult found{
        (integers * step).to(at::kFloat), at::full(target.sizes(), step, at::kFloat), {}};
    found.errors = at::matmul(problem.factor.l, target - found.values).square().sum(0);
    return found;
  });
  rounded.bits = reached;
  return rounded;
}

} // namespace

Rounded round_hptq(const RoundingProblem& layer, const std::map<std::string, double>& options) {
  return round_coded(layer, options, [](const LatticeProblem& problem, const Tensor& u) {
    return round_integers(problem.factor.l, u).integers;
  });
}

Rounded round_hrtn(const RoundingProblem& layer, const std::map<std::string, double>& options) {
  return round_coded(layer, options,
                     [](const LatticeProblem&, const Tensor& u) { return at::round(u); });
}

} // namespace latticelens
