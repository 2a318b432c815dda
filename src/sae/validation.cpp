#include "sae/validation.h"

#include "core/words.h"
#include "sae/coder_reader.h"
#include "sae/reconstruction_metrics.h"
#include <ATen/ATen.h>
#include <map>

namespace latticelens {
namespace {

constexpr std::int64_t most_for_threshold = 16; // batches

/// Batch_top_k's threshold, from the first batches.
void set_thresholds(const SiteReader& reader, const std::vector<TextWindow>& windows,
                    const std::function<std::string(std::int64_t)>& name_of,
                    std::vector<TrainedCoder>& coders) {
  std::map<std::int64_t, std::vector<Tensor>> batches; // by site
  const std::vector<TextWindow> first(
      windows.begin(),
      windows.begin() +
          std::min<std::ptrdiff_t>(std::ssize(windows),
                                   most_for_threshold * static_cast<std::ptrdiff_t>(reader.at_once(
                                                            std::ssize(windows.front().ids)))));
  for_each_activations(reader, first, name_of,
                       [&](const std::vector<Tensor>& activations, std::size_t, std::size_t) {
                         for (std::size_t s = 0; s < activations.size(); ++s)
                           batches[reader.sites()[s].blocks].push_back(activations[s]);
                       });
  for (TrainedCoder& trained : coders) {
    CoderConfig& config = trained.coder.config;
    if (config.selection != Selection::batch_top_k)
      continue;
    std::vector<Tensor> inputs;
    for (const Tensor& x : batches[trained.site.blocks])
      inputs.push_back(scaled(x, config.scaling, config.input_factor));
    config.thresholds =
        at::full({1}, mean_threshold(trained.coder.weights, config.k, inputs), at::kFloat);
  }
}

} // namespace

void validate(const SiteReader& reader, const std::vector<TextWindow>& windows,
              const std::function<std::string(std::int64_t)>& name_of,
              std::vector<TrainedCoder>& coders) {
  set_thresholds(reader, windows, name_of, coders);
  std::vector<CoderReader> readers;
  for (const TrainedCoder& trained : coders)
    readers.emplace_back(trained.coder);
  std::vector<MetricSums> sums;
  for (const TrainedCoder& trained : coders)
    sums.emplace_back(trained.plan.width, trained.plan.latents);
  for_each_activations(reader, windows, name_of,
                       [&](const std::vector<Tensor>& activations, std::size_t, std::size_t) {
                         for (std::size_t i = 0; i < coders.size(); ++i)
                           for (std::size_t s = 0; s < activations.size(); ++s)
                             if (reader.sites()[s] == coders[i].site) {
                               const Tensor inputs = readers[i].scaled_inputs(activations[s]);
                               const Codes codes = readers[i].encode(inputs);
                               sums[i].add(inputs, readers[i].decode(codes), codes);
                             }
                       });
  for (std::size_t i = 0; i < coders.size(); ++i)
    coders[i].validation = to_json(sums[i].result());
}

Json chosen_rates(const Json& coders) {
  std::map<std::string, std::vector<Json>> groups;
  for (const Json& coder : coders)
    groups[to_text({coder["site"], coder["kind"], coder["latents"], coder["k"], coder["seed"]})]
        .push_back(coder);
  Json chosen = Json::array();
  for (auto& [key, group] : groups) {
    const auto fvu = [](const Json& coder) {
      return coder["validation"]["fvu_dataset"].get<double>();
    };
    std::stable_sort(group.begin(), group.end(),
                     [&](const Json& a, const Json& b) { return fvu(a) < fvu(b); });
    std::vector<std::string> others;
    for (std::size_t i = 1; i < group.size(); ++i)
      others.push_back(to_text(group[i]["learning_rate"]) + ": " + shortest(fvu(group[i])));
    const Json& best = group.front();
    chosen.push_back({{"site", best["site"]},
                      {"kind", best["kind"]},
                      {"latents", best["latents"]},
                      {"k", best["k"]},
                      {"seed", best["seed"]},
                      {"learning_rate", best["learning_rate"]},
                      {"folder", best["folder"]},
                      {"fvu_dataset", fvu(best)},
                      {"why", others.empty() ? "the only learning rate"
                                             : "least fvu_dataset on the validation part; " +
                                                   joined(others, ", ")}});
  }
  return chosen;
}

} // namespace latticelens
