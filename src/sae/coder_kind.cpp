#include "sae/coder_kind.h"

#include "core/error.h"
#include "core/json.h"
#include "core/words.h"

namespace latticelens {
namespace {

/// Five nested prefixes, each twice as long as the one before.
std::vector<std::int64_t> prefixes_of(std::int64_t latents, std::int64_t k) {
  std::vector<std::int64_t> prefixes;
  for (std::int64_t parts = 16; parts >= 1; parts /= 2)
    if (latents / parts >= k && (prefixes.empty() || latents / parts > prefixes.back()))
      prefixes.push_back(latents / parts);
  return prefixes;
}

} // namespace

const std::vector<CoderKind>& coder_kinds() {
  static const std::vector<CoderKind> kinds = {
      {"topk", "the k largest latents of each input (paper 001; Gao et al. 2024)", Selection::top_k,
       [](const CoderPlan& plan) { return SparseTerms{top_k_term(plan.k, 1)}; }},
      {"batchtopk", "k latents an input on average over a batch (Bussmann et al. 2024)",
       Selection::batch_top_k,
       [](const CoderPlan& plan) { return SparseTerms{batch_top_k_term(plan.k)}; }},
      {"matryoshka", "nested prefixes that each reconstruct, batchtopk (Bussmann et al. 2025)",
       Selection::batch_top_k,
       [](const CoderPlan& plan) {
         return SparseTerms{matryoshka_term(plan.k, prefixes_of(plan.latents, plan.k))};
       }},
      {"jumprelu",
       "latents above a threshold of their own, k an input on average (Rajamanoharan et "
       "al. 2024)",
       Selection::threshold,
       [](const CoderPlan& plan) { return SparseTerms{jump_relu_term(plan.k, 1)}; }},
  };
  return kinds;
}

const CoderKind& find_coder_kind(const std::string& name) {
  std::vector<std::string> known;
  for (const CoderKind& kind : coder_kinds()) {
    if (name == kind.name)
      return kind;
    known.emplace_back(kind.name);
  }
  throw Error("sae", "\"" + name + "\" is no kind of autoencoder; known: " + joined(known, ", "));
}

std::string name_of(const CoderPlan& plan) {
  return plan.kind + "-n" + std::to_string(plan.latents) + "-k" + std::to_string(plan.k) + "-lr" +
         to_text(Json(plan.rate)) + "-seed" + std::to_string(plan.seed);
}

SparseTerms terms_of(const CoderPlan& plan) {
  require(plan.k > 0 && plan.k <= plan.latents, "sae",
          "k = " + std::to_string(plan.k) + " of " + std::to_string(plan.latents) +
              " latents cannot be active; give a smaller --k or a larger --expansion");
  SparseTerms terms = find_coder_kind(plan.kind).terms(plan);
  if (plan.multi)
    terms.push_back(top_k_term(4 * plan.k, 1.0 / 8));
  if (plan.dead_weight > 0)
    terms.push_back(dead_latents_term(std::max<std::int64_t>(plan.width / 2, 1), plan.dead_weight));
  return terms;
}

} // namespace latticelens
