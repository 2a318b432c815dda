#include "sae/coder_training.h"

#include "core/error.h"
#include "tests/support.h"
#include <ATen/ATen.h>
#include <ATen/Parallel.h>

namespace latticelens {
namespace {

constexpr std::int64_t width = 24, latents = 150, batch = 70, k = 6;

struct Kind {
  const char* name;
  SparseTerms terms;
};

std::vector<Kind> kinds() {
  return {{"top_k", {top_k_term(k, 1)}},
          {"multi_top_k", {top_k_term(k, 1), top_k_term(4 * k, 1.0 / 8)}},
          {"batch_top_k", {batch_top_k_term(k)}},
          {"matryoshka", {matryoshka_term(k, {10, 40, latents})}},
          {"jumprelu", {jump_relu_term(k, 1)}},
          {"aux_k", {top_k_term(k, 1), dead_latents_term(width / 2, 1.0 / 32)}},
          {"all", {top_k_term(k, 1), top_k_term(4 * k, 0.125), dead_latents_term(5, 0.5)}}};
}

/// Sums of a few directions, so that there is something to learn.
Tensor inputs(unsigned seed) {
  at::manual_seed(7);
  const Tensor directions = at::randn({40, width});
  at::manual_seed(seed);
  const Tensor active = (at::rand({batch, 40}) < 0.1) * at::rand({batch, 40});
  return at::matmul(active, directions) + 0.05 * at::randn({batch, width}) + 0.3;
}

CoderWeights weights() {
  CoderWeights made = initial_weights(latents, at::full({width}, 0.2), 5);
  at::manual_seed(11);
  made.encoder_bias.copy_(0.05 * at::randn({latents})); // off its symmetric start
  made.encoder.add_(at::randn({latents, width}), 0.05);
  made.log_thresholds = 0.2 * at::randn({latents}) + std::log(1.8);
  return made;
}

DeadLatents some_dead() {
  DeadLatents dead;
  for (std::int32_t j = 3; j < latents; j += 4)
    dead.latents.push_back(j);
  return dead;
}

SparseGradients made_by(const SparseTerms& terms, const SparseBatch& all, const CoderWeights& w,
                        const DeadLatents& dead) {
  LatentSearch search(w.latents(), w.width(), fastest_search());
  search.pack_all(w.encoder, w.encoder_bias);
  std::int64_t wanted = 0;
  for (const auto& term : terms)
    wanted = std::max(wanted, term->wanted(w.latents()));
  const Codes largest = search.largest(all.centred, w, wanted);
  SparseGradients made{.bias = at::zeros({width}, at::kDouble)};
  for (const auto& term : terms)
    term->add(all, largest, w, dead, made);
  return made;
}

/// Dense gradients from the uses, latent by latent.
reference::DenseGradients gathered(const SparseGradients& made, const SparseBatch& all,
                                   const CoderWeights& w) {
  reference::DenseGradients dense{at::zeros_like(w.encoder),
                                  at::zeros_like(w.encoder_bias),
                                  at::zeros_like(w.decoder),
                                  made.bias.to(at::kFloat),
                                  made.loss,
                                  made.threshold_gradient.defined()
                                      ? made.threshold_gradient.clone()
                                      : at::zeros({latents}, at::kDouble)};
  for (const PlacedUse& one : made.threshold_uses)
    dense.log_thresholds[one.latent] +=
        made.gradients[one.use.target][one.use.input].dot(w.decoder[one.latent]) * one.use.value;
  for (const PlacedUse& one : made.uses) {
    const Tensor gradient = made.gradients[one.use.target][one.use.input],
                 own = gradient.dot(w.decoder[one.latent]);
    dense.decoder[one.latent] += gradient * one.use.value;
    dense.encoder[one.latent] += own * all.centred[one.use.input];
    dense.encoder_bias[one.latent] += own;
    dense.bias -= own * w.encoder[one.latent];
  }
  return dense;
}

double relative(const Tensor& a, const Tensor& b) {
  return ((a - b).norm() / (b.norm() + 1e-12)).item<double>();
}

TEST(CoderTraining, gradients_of_every_kind_are_those_of_autograd) {
  for (const Kind& kind : kinds()) {
    const CoderWeights w = weights();
    const SparseBatch all = sparse_batch(inputs(1), w.bias);
    const auto expected = reference::gradients(w, kind.terms, all.inputs, some_dead()),
               found = gathered(made_by(kind.terms, all, w, some_dead()), all, w);
    EXPECT_NEAR(found.loss / expected.loss, 1, 1e-5) << kind.name;
    EXPECT_LT(relative(found.encoder, expected.encoder), 1e-5) << kind.name;
    EXPECT_LT(relative(found.encoder_bias, expected.encoder_bias), 1e-5) << kind.name;
    EXPECT_LT(relative(found.decoder, expected.decoder), 1e-5) << kind.name;
    EXPECT_LT(relative(found.bias, expected.bias), 1e-5) << kind.name;
    EXPECT_LT(relative(found.log_thresholds, expected.log_thresholds), 1e-5) << kind.name;
  }
}

/// sparse autoencoders' known mistakes (sae-peers.md §9, 1 and 2): the term that revives the dead
/// must reach the encoder, and b_dec only through it.
TEST(CoderTraining, dead_latents_learn_by_finite_differences) {
  const SparseTerms terms = {top_k_term(k, 1), dead_latents_term(width / 2, 1.0 / 2)};
  const CoderWeights w = weights();
  const DeadLatents dead = some_dead();
  const Tensor x = inputs(2);
  const auto found = reference::gradients(w, terms, x, dead);
  // The residual and its variance are constants of the second term: only what it adds is moved.
  const auto revived_loss = [&](const CoderWeights& moved) {
    const SparseBatch now = sparse_batch(x, w.bias);
    Tensor residual;
    const Tensor pre = at::linear(x - w.bias, w.encoder, w.encoder_bias).relu(),
                 pre_moved = at::linear(x - moved.bias, moved.encoder, moved.encoder_bias).relu();
    terms[0]->reference_loss(now, pre, w, dead, residual);
    return terms[1]->reference_loss(now, pre_moved, moved, dead, residual).item<double>();
  };
  const std::int64_t latent = dead.latents[4];
  for (const std::int64_t place : {0, 7, 23}) {
    constexpr double step = 1e-2;
    const auto moved_by = [&](double by) {
      CoderWeights moved{w.encoder.clone(), w.encoder_bias, w.decoder, w.bias};
      moved.encoder[latent][place] += by;
      return moved;
    };
    const double slope =
        (revived_loss(moved_by(step)) - revived_loss(moved_by(-step))) / (2 * step);
    const auto without = reference::gradients(w, {terms[0]}, x, dead);
    const double of_term = (found.encoder - without.encoder)[latent][place].item<double>();
    EXPECT_NEAR(of_term, slope, 0.05 * std::fabs(slope) + 2e-4) << place;
  }
}

TEST(CoderTraining, steps_are_those_of_dense_training) {
  for (const Kind& kind : kinds()) {
    TrainingSettings settings;
    settings.optimizer.rate = 1e-2;
    settings.optimizer.warm_up = 4;
    settings.optimizer.epsilon = 1e-6; // else a gradient of rounding errors takes a whole step
    settings.dead_after = 1 << 30;
    CoderTraining training(weights(), kind.terms, settings);
    reference::DenseTraining dense(weights(), kind.terms, settings);
    for (unsigned step = 0; step < 12; ++step) {
      const double expected = dense.step(inputs(step));
      const StepReport found = training.step(inputs(step));
      EXPECT_NEAR(found.loss / expected, 1, 1e-3) << kind.name << " step " << step;
      EXPECT_EQ(found.missed, 0);
    }
    EXPECT_LT(relative(training.weights().decoder, dense.weights().decoder), 1e-2) << kind.name;
    EXPECT_LT(relative(training.weights().bias, dense.weights().bias), 1e-2) << kind.name;
    const Tensor norms = training.weights().decoder.norm(2, {1});
    EXPECT_LT((norms - 1).abs().max().item<double>(), 1e-6) << kind.name;
  }
}

TEST(CoderTraining, lowers_the_loss_and_revives_the_dead) {
  TrainingSettings settings;
  settings.optimizer.rate = 3e-3;
  settings.optimizer.warm_up = 10;
  settings.dead_after = 20 * batch;
  CoderTraining plain(weights(), {top_k_term(k, 1)}, settings),
      reviving(weights(), {top_k_term(k, 1), dead_latents_term(width / 2, 1)}, settings);
  StepReport first = plain.step(inputs(0)), last_plain, last_reviving;
  reviving.step(inputs(0));
  for (unsigned step = 1; step < 300; ++step) {
    last_plain = plain.step(inputs(step));
    last_reviving = reviving.step(inputs(step));
  }
  EXPECT_LT(last_plain.fvu, 0.5 * first.fvu);
  EXPECT_LT(last_plain.l0, k + 1e-9);
  EXPECT_LE(last_reviving.dead, last_plain.dead);
}

TEST(CoderTraining, goes_on_from_its_state_to_the_same_bytes_at_any_thread_count) {
  const testing::TemporaryFolder folder;
  TrainingSettings settings;
  settings.dead_after = 3 * batch;
  const SparseTerms terms = {top_k_term(k, 1), dead_latents_term(8, 1.0 / 32)};
  const int threads = at::get_num_threads();
  CoderTraining whole(weights(), terms, settings), first(weights(), terms, settings);
  for (unsigned step = 0; step < 10; ++step)
    whole.step(inputs(step));
  at::set_num_threads(threads == 1 ? 2 : 1);
  for (unsigned step = 0; step < 6; ++step)
    first.step(inputs(step));
  NamedTensors state;
  first.save(state, "a.");
  write_safetensors(folder / "state.safetensors", state);
  CoderTraining second(weights(), terms, settings);
  second.load(SafetensorsFile(folder / "state.safetensors"), "a.");
  for (unsigned step = 6; step < 10; ++step)
    second.step(inputs(step));
  at::set_num_threads(threads);
  EXPECT_EQ(second.steps(), 10);
  EXPECT_TRUE(at::equal(second.weights().encoder, whole.weights().encoder));
  EXPECT_TRUE(at::equal(second.weights().decoder, whole.weights().decoder));
  EXPECT_TRUE(at::equal(second.weights().bias, whole.weights().bias));
}

TEST(CoderTraining, refuses_what_is_not_finite_and_too_many_active_latents) {
  CoderTraining training(weights(), {top_k_term(k, 1)}, {});
  Tensor broken = inputs(1);
  broken[3][2] = NAN;
  EXPECT_ERROR(training.step(broken), "NaN");
  LatentSearch search(latents, width, fastest_search());
  const CoderWeights w = weights();
  EXPECT_ERROR(search.largest(inputs(1).contiguous(), w, latents + 1), "larger expansion");
}

} // namespace
} // namespace latticelens
