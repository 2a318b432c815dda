#include "quantize/stream_basis.h"

#include "core/progress.h"
#include "tensor/single_thread.h"
#include "transforms/orthogonal.h"
#include "transforms/transform.h"
#include <ATen/ATen.h>
#include <algorithm>

namespace latticelens {
namespace {

constexpr double most_of_a_token = 0.5; // of its energy

/// Channels [n] bool that carry most of some token of x [1, t, n].
Tensor dominant_channels(const Tensor& x) {
  const Tensor energy = x.reshape({-1, x.size(-1)}).square();
  return (energy > most_of_a_token * energy.sum(1, /*keepdim=*/true)).any(0);
}

} // namespace

StreamReaders::StreamReaders(const Model& model)
    : model_(model), kept_(at::zeros({model.config.hidden}, at::kBool)) {}

bool StreamReaders::has(const Stage& stage) const {
  const auto& sites = model_.layout->rotation.norm_readers;
  return std::any_of(sites.begin(), sites.end(), [&](const auto& site) {
    const auto& [norm, readers] = site;
    return std::find(readers.begin(), readers.end(), stage.linears.front()) != readers.end();
  });
}

void StreamReaders::add(const Walk& walk, std::size_t s, const Importance* importance) {
  const Stage& stage = model_.layout->stages[s];
  for (std::size_t window = 0; window < walk.stream.windows(); ++window)
    kept_ = kept_.logical_or(dominant_channels(walk.stream.input(walk.block, s, window)));
  const StageMoments seen = collect_moments(walk, s, nullptr, false, importance);
  const std::string place = block_prefix(model_, walk.block.layer) + stage.name;
  const Tensor inputs = seen.moments.gram.to(at::kDouble),
               weights = weight_gram(walk.block, stage,
                                     importance ? importance->output_factors(place) : Tensor());
  const double power = (inputs * weights).sum().item<double>(),
               reached = static_cast<double>(seen.reached),
               scale = importance ? importance->scale(place) : reached / power;
  if (power <= 0 || scale <= 0)
    return;
  readers_.push_back({inputs.to(at::kFloat), (weights * scale).to(at::kFloat)});
}

Tensor StreamReaders::rotation(const TransformSpec& spec, std::uint64_t seed, bool quiet) const {
  SeparationSteps steps;
  Progress progress("separate the stream", "steps", steps.count, quiet);
  double first = 0;
  steps.each = [&](double loss) {
    first = first > 0 ? first : loss;
    progress.step("noise " + std::to_string(loss / first));
  };
  const Tensor fitted = fit_stream_rotation(spec, readers_, kept_, steps);
  const auto hadamard = make_transform({"hadamard", spec.size, spec.site},
                                       {.width = model_.config.hidden, .seed = seed});
  return hadamard->apply(fitted).unsqueeze(0);
}

Tensor weight_gram(const Block& block, const Stage& stage, const Tensor& row_factors) {
  const SingleThreadMkl one_thread; // the same bytes at any number of threads
  std::vector<Tensor> weights;
  for (const std::string& name : stage.linears)
    weights.push_back(block.linears.at(name).weight);
  Tensor rows = at::cat(weights).to(at::kDouble);
  if (row_factors.defined())
    rows = rows * row_factors;
  return rows.t().mm(rows);
}

} // namespace latticelens
