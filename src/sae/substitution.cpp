#include "sae/substitution.h"

#include <ATen/ATen.h>
#include <limits>

namespace latticelens {
namespace {

Tensor ids_of(const TextWindow& window) {
  return at::tensor(at::ArrayRef<TokenId>(window.ids.data(), window.ids.size()), at::kInt)
      .to(at::kLong);
}

double sum_of(const Tensor& x) {
  return x.sum(at::kDouble).item<double>();
}

} // namespace

double SubstitutionLoss::recovered() const {
  return zero != original ? (zero - substituted) / (zero - original)
                          : std::numeric_limits<double>::quiet_NaN();
}

Json to_json(const SubstitutionLoss& loss) {
  return {{"predictions", loss.predictions},
          {"ce_original", loss.original},
          {"ce_substituted", loss.substituted},
          {"ce_zero", loss.zero},
          {"kl_substituted", loss.kl},
          {"kl_zero", loss.zero_kl},
          {"loss_recovered_ce", loss.recovered()},
          {"loss_recovered_kl", loss.recovered_kl()}};
}

Substitution::Substitution(const Model& model, ActivationSite site, std::int64_t longest_window)
    : model_(model), site_(site), rope_(make_rope(model.config, longest_window, model.device)),
      embedding_(load_embedding(model)), norm_(load_final_norm(model)), head_(load_head(model)) {
  for (std::int64_t layer = 0; layer < model.config.layers; ++layer)
    blocks_.push_back(load_block_to_run(model, layer));
}

Tensor Substitution::after_site(const Tensor& x) const {
  Tensor y = x;
  for (std::size_t layer = static_cast<std::size_t>(site_.blocks); layer < blocks_.size(); ++layer)
    y = run_block(model_, blocks_[layer], rope_, y);
  return y;
}

/// Of every position but the last: [t - 1, vocabulary].
Tensor Substitution::log_probabilities(const Tensor& x) const {
  const Tensor hidden = norm_(after_site(x), model_.config.norm_epsilon).squeeze(0);
  return head_(hidden.slice(0, 0, hidden.size(0) - 1)).log_softmax(-1);
}

SubstitutionLoss Substitution::measure(const CoderReader& coder,
                                       const std::vector<TextWindow>& windows) const {
  SubstitutionLoss total;
  for (const TextWindow& window : windows) {
    const std::int64_t tokens = std::ssize(window.ids);
    if (tokens < 2)
      continue;
    const Tensor ids = ids_of(window);
    Tensor x = embed(embedding_, ids, model_.config);
    for (std::int64_t layer = 0; layer < site_.blocks; ++layer)
      x = run_block(model_, blocks_[static_cast<std::size_t>(layer)], rope_, x);
    Tensor replaced = x.clone(), zeroed = x.clone();
    const Tensor own = x[0].slice(0, window.first);
    replaced[0].slice(0, window.first).copy_(coder.reconstruct(own.cpu()));
    zeroed[0].slice(0, window.first).zero_();
    const Tensor target = ids.slice(0, 1).to(x.device()).unsqueeze(1),
                 original = log_probabilities(x);
    const auto loss = [&](const Tensor& log_p) { return -sum_of(log_p.gather(1, target)); };
    const auto divergence = [&](const Tensor& log_p) {
      return sum_of(original.exp() * (original - log_p));
    };
    const Tensor substituted = log_probabilities(replaced), zero = log_probabilities(zeroed);
    total.predictions += tokens - 1;
    total.original += loss(original);
    total.substituted += loss(substituted);
    total.zero += loss(zero);
    total.kl += divergence(substituted);
    total.zero_kl += divergence(zero);
  }
  const auto count = static_cast<double>(std::max<std::int64_t>(total.predictions, 1));
  for (double* sum : {&total.original, &total.substituted, &total.zero, &total.kl, &total.zero_kl})
    *sum /= count;
  return total;
}

} // namespace latticelens
