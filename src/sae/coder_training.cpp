#include "sae/coder_training.h"

#include "core/error.h"
#include "core/random.h"
#include "model/tensors.h"
#include "sae/row_differences.h"
#include "sae/terms/batch_largest.h"
#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <algorithm>
#include <cmath>
#include <numbers>

namespace latticelens {
namespace {

float* data_of(Tensor& x) {
  return x.mutable_data_ptr<float>();
}

/// Two independent standard normal numbers (Box and Muller).
std::pair<float, float> normals(Random& random) {
  const double radius = std::sqrt(-2 * std::log(1 - random.uniform())),
               angle = 2 * std::numbers::pi * random.uniform();
  return {static_cast<float>(radius * std::cos(angle)),
          static_cast<float>(radius * std::sin(angle))};
}

void scale_to_unit(std::span<float> row) {
  const float norm = std::sqrt(dot(row, row));
  if (norm > 0)
    scale(1 / norm, row);
}

void draw_unit_row(std::uint64_t seed, std::span<float> row) {
  Random random(seed);
  for (std::size_t i = 0; i < row.size(); i += 2) {
    const auto [first, second] = normals(random);
    row[i] = first;
    if (i + 1 < row.size())
      row[i + 1] = second;
  }
  scale_to_unit(row);
}

/// Uses sorted by latent, in the order in which they came: uses of latent j are at [starts[j],
/// starts[j + 1]).
struct UsesByLatent {
  UsesByLatent(const std::vector<PlacedUse>& placed, std::int64_t latents)
      : starts(static_cast<std::size_t>(latents) + 1), uses(placed.size()) {
    for (const PlacedUse& one : placed)
      ++starts[static_cast<std::size_t>(one.latent) + 1];
    for (std::size_t j = 1; j < starts.size(); ++j)
      starts[j] += starts[j - 1];
    std::vector<std::size_t> next(starts.begin(), starts.end() - 1);
    for (const PlacedUse& one : placed)
      uses[next[static_cast<std::size_t>(one.latent)]++] = one.use;
  }
  std::span<const LatentUse> of(std::int64_t latent) const {
    const auto j = static_cast<std::size_t>(latent);
    return std::span(uses).subspan(starts[j], starts[j + 1] - starts[j]);
  }
  std::vector<std::size_t> starts;
  std::vector<LatentUse> uses;
};

/// Σ value · (gradient at the input · decoder row).
double own_gradients(const UsedBatch& batch, std::span<const LatentUse> uses,
                     std::span<const float> decoder_row) {
  double sum = 0;
  for (const LatentUse& use : uses)
    sum += use.value *
           dot({batch.gradients[use.target] + use.input * decoder_row.size(), decoder_row.size()},
               decoder_row);
  return sum;
}

/// gradient -= (gradient · row) row, for a row of unit norm.
void leave_out_parallel(std::span<const float> row, std::span<float> gradient) {
  add_scaled(-dot(gradient, row), row, gradient);
}

} // namespace

SparseBatch sparse_batch(const Tensor& inputs, const Tensor& bias) {
  const Tensor mean = inputs.mean(0), x = inputs.contiguous();
  const auto count = static_cast<double>(inputs.size(0));
  return {inputs, row_differences(x, bias, 1).scaled, mean,
          row_differences(x, mean, 1).square / count};
}

CoderWeights initial_weights(std::int64_t latents, const Tensor& bias, std::uint64_t seed) {
  const std::int64_t width = bias.numel();
  Tensor decoder = at::empty({latents, width}, at::kFloat);
  Random seeds(derived_seed(seed, "latents"));
  std::vector<std::uint64_t> of_rows;
  for (std::int64_t j = 0; j < latents; ++j)
    of_rows.push_back(seeds.next());
  float* const rows = data_of(decoder);
  at::parallel_for(0, latents, 16, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t j = begin; j < end; ++j)
      draw_unit_row(of_rows[static_cast<std::size_t>(j)],
                    {rows + j * width, static_cast<std::size_t>(width)});
  });
  return {decoder.clone(), at::zeros({latents}, at::kFloat), decoder, bias.to(at::kFloat).clone()};
}

CoderTraining::Parameters CoderTraining::with_moments(const Tensor& values) const {
  Parameters parameters{values, {}};
  for (std::int64_t i = 0; i < find_optimizer_rule(settings_.optimizer.rule).moments; ++i)
    parameters.moments.push_back(at::zeros_like(values));
  return parameters;
}

CoderTraining::CoderTraining(CoderWeights weights, SparseTerms terms, TrainingSettings settings)
    : weights_(std::move(weights)), terms_(std::move(terms)), settings_(std::move(settings)),
      search_(weights_.latents(), weights_.width(), settings_.precision),
      encoder_(with_moments(weights_.encoder)), encoder_bias_(with_moments(weights_.encoder_bias)),
      decoder_(with_moments(weights_.decoder)), bias_(with_moments(weights_.bias)),
      since_fired_(at::zeros({weights_.latents()}, at::kLong)) {
  search_.pack_all(weights_.encoder, weights_.encoder_bias);
  const bool thresholds =
      std::ranges::any_of(terms_, [](const auto& term) { return term->has_thresholds(); });
  if (thresholds && !weights_.log_thresholds.defined())
    weights_.log_thresholds = at::full({weights_.latents()}, NAN, at::kFloat);
  if (thresholds)
    thresholds_ = with_moments(weights_.log_thresholds);
}

/// Where as many latents are active as the terms want, at first.
void CoderTraining::start_thresholds(const SparseBatch& batch) {
  if (!thresholds_ || !weights_.log_thresholds.isnan().all().item<bool>())
    return;
  const std::int64_t k = settings_.active;
  const float bar =
      batch_largest(search(batch.centred, batch_room(k, weights_.latents())), k).threshold;
  weights_.log_thresholds.fill_(std::log(std::max(bar, 1e-6f)));
}

DeadLatents CoderTraining::dead_latents() const {
  DeadLatents dead;
  const std::int64_t* const since = since_fired_.const_data_ptr<std::int64_t>();
  for (std::int64_t j = 0; j < since_fired_.numel(); ++j)
    if (since[j] >= settings_.dead_after)
      dead.latents.push_back(static_cast<std::int32_t>(j));
  return dead;
}

void CoderTraining::note_fired(const Codes& codes) {
  since_fired_ += codes.indices.size(0);
  std::int64_t* const since = since_fired_.mutable_data_ptr<std::int64_t>();
  const std::int64_t* const latents = codes.indices.const_data_ptr<std::int64_t>();
  const float* const values = codes.values.const_data_ptr<float>();
  for (std::int64_t i = 0; i < codes.values.numel(); ++i)
    if (values[i] > 0)
      since[latents[i]] = 0;
}

Codes CoderTraining::search(const Tensor& centred, std::int64_t wanted) const {
  if (!settings_.processes || settings_.processes->count() == 1)
    return search_.largest(centred, weights_, wanted);
  const auto [first, last] = settings_.processes->share_of(centred.size(0));
  const Codes mine = search_.largest(centred.slice(0, first, last), weights_, wanted);
  return {settings_.processes->gather_rows(mine.indices),
          settings_.processes->gather_rows(mine.values)};
}

StepReport CoderTraining::report(const SparseBatch& batch, const SparseGradients& made) const {
  const auto inputs = static_cast<double>(batch.inputs.size(0));
  return {.step = step_ + 1,
          .loss = made.loss,
          .fvu = batch.variance > 0 ? made.error / batch.variance : 0,
          .l0 = static_cast<double>((made.codes.values > 0).sum().item<std::int64_t>()) / inputs};
}

StepReport CoderTraining::step(const Tensor& inputs) {
  require_finite(inputs, "activations");
  const SparseBatch batch = sparse_batch(inputs.contiguous(), weights_.bias);
  start_thresholds(batch);
  std::int64_t wanted = 0;
  for (const auto& term : terms_)
    wanted = std::max(wanted, term->wanted(weights_.latents()));
  const Codes largest = search(batch.centred, wanted);
  const DeadLatents dead = dead_latents();
  SparseGradients made{.bias = at::zeros({weights_.width()}, at::kDouble)};
  for (const auto& term : terms_)
    term->add(batch, largest, weights_, dead, made);
  StepReport result = report(batch, made);
  result.dead = static_cast<std::int64_t>(dead.latents.size());
  if (settings_.checked_every > 0 && step_ % settings_.checked_every == 0) {
    constexpr std::int64_t some = 64;
    const Codes first{largest.indices.slice(0, 0, some), largest.values.slice(0, 0, some)};
    result.checked = (first.values > 0).sum().item<std::int64_t>();
    result.missed = missed_latents(batch.centred.slice(0, 0, some), weights_, first);
  }
  note_fired(made.codes);
  update(batch, made);
  ++step_;
  return result;
}

void CoderTraining::update(const SparseBatch& batch, const SparseGradients& made) {
  const UsesByLatent uses(made.uses, weights_.latents()),
      threshold_uses(made.threshold_uses, weights_.latents());
  std::vector<const float*> gradients;
  for (const Tensor& gradient : made.gradients)
    gradients.push_back(gradient.const_data_ptr<float>());
  const std::int64_t width = weights_.width(), parts = search_.parts(),
                     together = search_.part_rows();
  const UsedBatch used{batch.centred.const_data_ptr<float>(), gradients.data(), width};
  const auto row_step =
      find_optimizer_rule(settings_.optimizer.rule).step(settings_.optimizer, step_ + 1);
  const auto take_step = [&](Parameters& parameters, std::int64_t offset, const float* gradient,
                             std::int64_t count, bool decayed) {
    std::vector<float*> moments;
    for (Tensor& moment : parameters.moments)
      moments.push_back(data_of(moment) + offset);
    row_step->update(gradient, count, data_of(parameters.values) + offset, moments, decayed);
  };
  // Of b_dec through the encoder: summed by parts in their order, at any thread count.
  Tensor through_encoder = at::zeros({parts, width}, at::kFloat);
  at::parallel_for(0, parts, 1, [&](std::int64_t begin, std::int64_t end) {
    const auto size = static_cast<std::size_t>(width);
    std::vector<float> decoder_gradient(size), encoder_gradient(size);
    for (std::int64_t p = begin; p < end; ++p) {
      const std::span part_sum(data_of(through_encoder) + p * width, size);
      for (std::int64_t j = p * together; j < std::min((p + 1) * together, weights_.latents());
           ++j) {
        const std::int64_t place = j * width;
        const std::span decoder_row(data_of(weights_.decoder) + place, size),
            encoder_row(data_of(weights_.encoder) + place, size);
        const float own =
            latent_gradients(used, uses.of(j), decoder_row, decoder_gradient, encoder_gradient);
        if (thresholds_) {
          const float of_threshold =
              static_cast<float>(made.threshold_gradient.const_data_ptr<double>()[j] +
                                 own_gradients(used, threshold_uses.of(j), decoder_row));
          take_step(*thresholds_, j, &of_threshold, 1, false);
        }
        add_scaled(-own, encoder_row, part_sum);
        if (settings_.project)
          leave_out_parallel(decoder_row, decoder_gradient);
        take_step(decoder_, place, decoder_gradient.data(), width, true);
        scale_to_unit(decoder_row);
        take_step(encoder_, place, encoder_gradient.data(), width, true);
        take_step(encoder_bias_, j, &own, 1, false);
      }
      search_.pack(p, weights_.encoder, weights_.encoder_bias);
    }
  });
  const Tensor of_bias =
      (made.bias + through_encoder.sum(0, false, at::kDouble)).to(at::kFloat).contiguous();
  take_step(bias_, 0, of_bias.const_data_ptr<float>(), width, false);
}

std::vector<std::pair<std::string, Tensor>> CoderTraining::state() const {
  std::vector<std::pair<std::string, Tensor>> all = {{"since_fired", since_fired_}};
  const auto add = [&](const std::string& name, const Parameters& parameters) {
    all.emplace_back(name, parameters.values);
    for (std::size_t i = 0; i < parameters.moments.size(); ++i)
      all.emplace_back(name + ".moment" + std::to_string(i + 1), parameters.moments[i]);
  };
  add("encoder", encoder_);
  add("encoder_bias", encoder_bias_);
  add("decoder", decoder_);
  add("bias", bias_);
  if (thresholds_)
    add("log_thresholds", *thresholds_);
  return all;
}

void CoderTraining::save(NamedTensors& tensors, const std::string& prefix) const {
  tensors.emplace_back(prefix + "step", at::full({1}, step_, at::kLong));
  for (const auto& [name, tensor] : state())
    tensors.emplace_back(prefix + name, tensor);
}

void CoderTraining::load(const SafetensorsFile& file, const std::string& prefix) {
  const auto read = [&](const std::string& name, at::IntArrayRef shape, at::ScalarType type) {
    require(file.has(prefix + name), "sae",
            "the training state lacks " + prefix + name + "; remove it to begin anew");
    const Tensor stored = file.load(prefix + name);
    require(stored.sizes() == shape && stored.scalar_type() == type, "sae",
            prefix + name + " of the training state has another shape; remove it to begin anew");
    return stored;
  };
  step_ = read("step", {1}, at::kLong).item<std::int64_t>();
  for (auto [name, tensor] : state())
    tensor.copy_(read(name, tensor.sizes(), tensor.scalar_type()));
  search_.pack_all(weights_.encoder, weights_.encoder_bias);
}

namespace reference {

DenseGradients gradients(const CoderWeights& weights, const SparseTerms& terms,
                         const Tensor& inputs, const DeadLatents& dead) {
  const auto watched = [](const Tensor& x) { return x.detach().clone().requires_grad_(true); };
  CoderWeights own{watched(weights.encoder), watched(weights.encoder_bias),
                   watched(weights.decoder), watched(weights.bias)};
  if (weights.log_thresholds.defined())
    own.log_thresholds = watched(weights.log_thresholds);
  SparseBatch batch = sparse_batch(inputs, weights.bias);
  batch.centred = inputs - own.bias;
  const Tensor pre = at::linear(batch.centred, own.encoder, own.encoder_bias).relu();
  Tensor residual, loss = at::zeros({}, at::kFloat);
  for (const auto& term : terms)
    loss = loss + term->reference_loss(batch, pre, own, dead, residual);
  loss.backward();
  const auto gradient = [](const Tensor& x) {
    return x.grad().defined() ? x.grad() : at::zeros_like(x);
  };
  return {gradient(own.encoder),
          gradient(own.encoder_bias),
          gradient(own.decoder),
          gradient(own.bias),
          loss.item<double>(),
          own.log_thresholds.defined() ? gradient(own.log_thresholds) : Tensor()};
}

DenseTraining::DenseTraining(const CoderWeights& weights, SparseTerms terms,
                             TrainingSettings settings)
    : weights_{weights.encoder.clone(), weights.encoder_bias.clone(), weights.decoder.clone(),
               weights.bias.clone()},
      terms_(std::move(terms)), settings_(std::move(settings)) {
  if (weights.log_thresholds.defined())
    weights_.log_thresholds = weights.log_thresholds.clone();
  for (const Tensor& x : {weights_.encoder, weights_.encoder_bias, weights_.decoder, weights_.bias,
                          weights_.log_thresholds})
    if (x.defined())
      moments_.push_back({at::zeros_like(x), at::zeros_like(x)});
}

double DenseTraining::step(const Tensor& inputs, const DeadLatents& dead) {
  DenseGradients made = reference::gradients(weights_, terms_, inputs, dead);
  if (settings_.project)
    made.decoder -= (made.decoder * weights_.decoder).sum(1, true) * weights_.decoder;
  const OptimizerSettings& s = settings_.optimizer;
  const auto steps = static_cast<double>(++step_);
  const double rate = rate_at(s, step_);
  const auto adam = [&](Tensor& x, const Tensor& gradient, std::vector<Tensor>& moments,
                        double weight_decay) {
    x.mul_(1 - rate * weight_decay);
    moments[0].mul_(s.first_decay).add_(gradient, 1 - s.first_decay);
    moments[1].mul_(s.second_decay).addcmul_(gradient, gradient, 1 - s.second_decay);
    const Tensor mean = moments[0] / (1 - std::pow(s.first_decay, steps)),
                 square = moments[1] / (1 - std::pow(s.second_decay, steps));
    x.sub_(rate * mean / (square.sqrt() + s.epsilon));
  };
  adam(weights_.encoder, made.encoder, moments_[0], s.weight_decay);
  adam(weights_.encoder_bias, made.encoder_bias, moments_[1], 0);
  adam(weights_.decoder, made.decoder, moments_[2], s.weight_decay);
  adam(weights_.bias, made.bias, moments_[3], 0);
  if (weights_.log_thresholds.defined())
    adam(weights_.log_thresholds, made.log_thresholds, moments_[4], 0);
  weights_.decoder.div_(weights_.decoder.square().sum(1, true).sqrt());
  return made.loss;
}

} // namespace reference
} // namespace latticelens
