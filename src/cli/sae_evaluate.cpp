#include "cli/command_options.h"
#include "cli/sae_commands.h"
#include "cli/sae_texts.h"
#include "cli/text_options.h"
#include "core/error.h"
#include "core/files.h"
#include "core/progress.h"
#include "core/work_folder.h"
#include "quantize/packed_model.h"
#include "sae/baselines.h"
#include "sae/coder_form.h"
#include "sae/reconstruction_metrics.h"
#include "sae/substitution.h"
#include <ATen/ATen.h>
#include <cstdio>
#include <map>

namespace latticelens {
namespace {

namespace fs = std::filesystem;

struct Options {
  std::string saes, device = "cpu";
  std::vector<std::string> text;
  bool all = false;
  std::int64_t windows = 0, loss_windows = 32;
  OutputOptions output;
};

constexpr std::int64_t baseline_inputs = 4096;

/// One checkpoint's autoencoders on the text.
class CheckpointEvaluation {
 public:
  CheckpointEvaluation(const Options& options, const Json& identity, const Json& row)
      : options_(options), row_(row), where_((fs::path(options.saes) / "sae.json").string()),
        opened_(open_model(member<std::string>(row, "path", where_), parse_device(options.device))),
        rule_(parse_sampling(member<std::string>(identity, "sampling", where_))),
        documents_(read_document_folders(options.text)),
        text_(sample(documents_, *tokenizer_of(opened_.model.path), rule_)) {
    if (options.windows > 0 && std::ssize(text_.windows) > options.windows)
      text_.windows.resize(static_cast<std::size_t>(options.windows));
  }

  Json run(const std::function<void()>& step) {
    Json results = Json::array();
    std::map<std::int64_t, std::vector<Json>> by_site;
    for (const Json& coder : member<Json>(row_, "coders", where_))
      if (options_.all || is_chosen(coder))
        by_site[parse_site(member<std::string>(coder, "site", where_), opened_.model.config).blocks]
            .push_back(coder);
    for (const auto& [blocks, coders] : by_site)
      for (Json& result : at_site({blocks}, coders, step))
        results.push_back(std::move(result));
    return results;
  }

 private:
  bool is_chosen(const Json& coder) const {
    const auto folder = member<std::string>(coder, "folder", where_);
    for (const Json& chosen : member<Json>(row_, "chosen", where_))
      if (member<std::string>(chosen, "folder", where_) == folder)
        return true;
    return false;
  }

  std::vector<Json> at_site(ActivationSite site, const std::vector<Json>& coders,
                            const std::function<void()>& step) {
    std::vector<CoderReader> readers;
    std::vector<MetricSums> sums;
    for (const Json& coder : coders) {
      readers.emplace_back(
          read_coder(fs::path(options_.saes) / member<std::string>(coder, "folder", where_)).coder);
      const CoderWeights& weights = readers.back().coder().weights;
      sums.emplace_back(weights.width(), weights.latents());
    }
    const SiteReader reader(opened_.model, {site}, rule_.length);
    std::vector<Tensor> first;
    for_each_activations(
        reader, text_.windows,
        [&](std::int64_t i) { return place_of(documents_[static_cast<std::size_t>(i)]); },
        [&](const std::vector<Tensor>& activations, std::size_t, std::size_t) {
          if (first.empty() || first.size() * static_cast<std::size_t>(first[0].size(0)) <
                                   static_cast<std::size_t>(baseline_inputs))
            first.push_back(readers[0].scaled_inputs(activations[0]));
          for (std::size_t i = 0; i < readers.size(); ++i) {
            const Tensor inputs = readers[i].scaled_inputs(activations[0]);
            const Codes codes = readers[i].encode(inputs);
            sums[i].add(inputs, readers[i].decode(codes), codes);
          }
          step();
        });
    const Tensor some = at::cat(first);
    const Spectrum spectrum = spectrum_of(some);
    const Substitution substitution(opened_.model, site, rule_.length);
    const std::vector<TextWindow> windows(
        text_.windows.begin(),
        text_.windows.begin() +
            std::min<std::ptrdiff_t>(std::ssize(text_.windows), options_.loss_windows));
    std::vector<Json> results;
    for (std::size_t i = 0; i < readers.size(); ++i) {
      const CoderConfig& config = readers[i].coder().config;
      Json result = Json::object();
      for (const char* key : {"folder", "site", "kind", "latents", "k", "learning_rate"})
        result[key] = member<Json>(coders[i], key, where_);
      result["metrics"] = to_json(sums[i].result());
      result["loss"] = to_json(substitution.measure(readers[i], windows));
      const RandomDictionaryFit random = random_dictionary_fit(
          some.slice(0, 0, 1024), readers[i].coder().weights.latents(), config.k, 0);
      result["baselines"] = {{"pca_k_fvu", principal_fvu(spectrum, config.k)},
                             {"random_dictionary_fvu", random.fvu},
                             {"random_dictionary_fvu_scaled", random.fvu_scaled},
                             {"effective_rank", effective_rank(spectrum)},
                             {"participation_ratio", participation_ratio(spectrum)}};
      results.push_back(std::move(result));
      step();
    }
    return results;
  }

  const Options& options_;
  const Json& row_;
  std::string where_;
  OpenedModel opened_;
  SamplingRule rule_;
  std::vector<Document> documents_;
  SampledText text_;
};

void print_all(const Json& json) {
  std::printf("%-18s %-9s %8s %4s %9s %9s %9s %8s %7s %8s %9s\n", "checkpoint", "site", "latents",
              "k", "fvu", "pca-k", "random", "l0", "dead", "loss rec", "eff. rank");
  for (const Json& row : json["checkpoints"])
    for (const Json& coder : row["coders"]) {
      const Json &fit = coder["metrics"], &base = coder["baselines"];
      std::printf("%-18s %-9s %8lld %4lld %9.5f %9.5f %9.5f %8.2f %5.1f %% %7.2f %% %9.1f\n",
                  row["name"].get<std::string>().c_str(), coder["site"].get<std::string>().c_str(),
                  static_cast<long long>(coder["latents"].get<std::int64_t>()),
                  static_cast<long long>(coder["k"].get<std::int64_t>()),
                  fit["fvu_dataset"].get<double>(), base["pca_k_fvu"].get<double>(),
                  base["random_dictionary_fvu_scaled"].get<double>(), fit["l0"].get<double>(),
                  100 * fit["dead"].get<double>(),
                  100 * coder["loss"]["loss_recovered_ce"].get<double>(),
                  base["effective_rank"].get<double>());
    }
  std::printf(
      "fvu: fvu_dataset; pca-k: of the first k principal components; random: of an untrained "
      "dictionary; loss rec: of the cross-entropy that zeros lose, what reconstructions keep.\n");
}

void run(const Options& options) {
  const fs::path file = fs::path(options.saes) / "sae.json";
  require(fs::exists(file), "sae",
          options.saes + ": has no sae.json; give the folder that latticelens sae wrote");
  const Json saes = read_work_file(file);
  const Json rows = member<Json>(saes, "checkpoints", file.string()),
             identity = member<Json>(saes, "identity", file.string());
  Progress progress("evaluate", "steps", 0, options.output.quiet);
  Json result = {{"saes", options.saes}, {"text", options.text}, {"checkpoints", Json::array()}};
  for (const Json& row : rows) {
    CheckpointEvaluation evaluation(options, identity, row);
    result["checkpoints"].push_back({{"name", member<std::string>(row, "name", file.string())},
                                     {"coders", evaluation.run([&] { progress.step(); })}});
  }
  progress.finish();
  write_text(fs::path(options.saes) / "evaluation.json", result.dump(2) + "\n");
  print_result(options.output, result, print_all);
}

} // namespace

void add_sae_evaluate(CLI::App& sae) {
  auto options = std::make_shared<Options>();
  CLI::App* command = sae.add_subcommand(
      "evaluate", "Measure trained autoencoders on a held-out text: reconstruction, sparsity, loss "
                  "recovered, baselines");
  add_path(*command, "SAES", options->saes, "Folder that latticelens sae wrote");
  command->add_option("--text", options->text, "Folders of documents")
      ->required()
      ->type_name("DIR");
  command->add_flag("--all", options->all, "All learning rates, not the chosen ones only");
  command
      ->add_option("--windows", options->windows,
                   "Windows to use, from the start; 0: all of the text")
      ->capture_default_str()
      ->check(CLI::Range(0, 1 << 20));
  command
      ->add_option("--loss-windows", options->loss_windows,
                   "Windows that the model is run on with reconstructions in place of activations")
      ->capture_default_str()
      ->check(CLI::Range(1, 1 << 20));
  add_device_option(*command, options->device);
  add_output_options(
      *command, options->output,
      "Print one JSON object: all metrics by their names (also in SAES/evaluation.json)");
  command->footer("Example: latticelens sae evaluate saes/ --text series/held-out");
  command->callback([options] { run(*options); });
}

} // namespace latticelens
