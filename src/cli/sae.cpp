#include "cli/command_options.h"
#include "cli/commands.h"
#include "cli/sae_commands.h"
#include "cli/sae_run.h"
#include "core/error.h"
#include "core/words.h"
#include "sae/coder_names.h"
#include <cmath>
#include <cstdio>

namespace latticelens {
namespace {

struct Options {
  std::vector<std::string> models, text, sites = {};
  std::string out, sampling = "all:256", scaling = "unit_norm", device = "cpu";
  std::vector<std::string> kinds = {"topk"};
  std::vector<double> expansions = {16}, rates = {1e-4, 3e-4, 1e-3};
  std::vector<std::int64_t> ks = {32};
  std::vector<std::uint64_t> seeds = {0};
  double dead_weight = 1.0 / 32;
  bool multi = false;
  double save_every = 60;
  bool shards = false;
  std::int64_t steps = 2000, batch = 2048, buffer = 1 << 18;
  TrainingSettings training;
  OutputOptions output;
};

void require_positive(bool all, const char* option) {
  require(all, "sae", std::string(option) + " must be above 0");
}

std::vector<CoderPlan> plans_of(const Options& options, std::int64_t width) {
  std::vector<CoderPlan> plans;
  for (const std::string& kind : options.kinds)
    for (const double expansion : options.expansions)
      for (const std::int64_t k : options.ks)
        for (const double rate : options.rates)
          for (const std::uint64_t seed : options.seeds)
            plans.push_back({.kind = kind,
                             .latents = std::llround(expansion * static_cast<double>(width)),
                             .width = width,
                             .k = k,
                             .rate = rate,
                             .seed = seed,
                             .dead_weight = options.dead_weight,
                             .multi = options.multi});
  return plans;
}

/// Not said by the options themselves, since commands below this one do not have them.
void require_given(const Options& options) {
  const auto given = [](bool is, const std::string& what) { require(is, "sae", "give " + what); };
  given(!options.models.empty(), "the models to read: latticelens sae series/ ...");
  given(!options.sites.empty(),
        "--site, as in --site block:6 (the residual stream after six blocks)");
  given(!options.text.empty() || !text_of_series(options.models).empty(),
        "--text, folders of documents");
  given(!options.out.empty(), "--out, the folder to write");
}

void check(const Options& options) {
  require_given(options);
  for (const double expansion : options.expansions)
    require_positive(expansion > 0, "--expansion");
  for (const double rate : options.rates)
    require_positive(rate > 0, "--learning-rates");
  require_positive(options.steps > 0, "--steps");
  require_positive(options.batch > 1, "--batch - 1");
  require(options.dead_weight >= 0, "sae", "--dead-weight must be 0 (none) or more");
  for (const std::string& kind : options.kinds)
    find_coder_kind(kind);
}

void print_head() {
  std::printf("%-18s %-9s %-10s %8s %4s %9s  %10s %7s %7s\n", "checkpoint", "site", "kind",
              "latents", "k", "rate", "fvu", "l0", "dead");
}

void print_coders(const Json& row) {
  for (const Json& chosen : row["chosen"])
    for (const Json& coder : row["coders"])
      if (coder["folder"] == chosen["folder"])
        std::printf("%-18s %-9s %-10s %8lld %4lld %9s  %10.5f %7.2f %5.1f %%\n",
                    row["name"].get<std::string>().c_str(),
                    coder["site"].get<std::string>().c_str(),
                    coder["kind"].get<std::string>().c_str(),
                    static_cast<long long>(coder["latents"].get<std::int64_t>()),
                    static_cast<long long>(coder["k"].get<std::int64_t>()),
                    to_text(coder["learning_rate"]).c_str(),
                    coder["validation"]["fvu_dataset"].get<double>(),
                    coder["validation"]["l0"].get<double>(),
                    100 * coder["validation"]["dead"].get<double>());
}

void print_all(const Json& json) {
  print_head();
  for (const Json& row : json["checkpoints"])
    print_coders(row);
  std::printf("fvu: share of the variance of the validation part that is not reconstructed "
              "(fvu_dataset); of each size the learning rate with the least.\n");
}

void run(const Options& options) {
  check(options);
  SaeRun run{.checkpoints = checkpoints_of(options.models),
             .text = options.text.empty() ? text_of_series(options.models) : options.text,
             .sites = options.sites,
             .sampling = parse_sampling(options.sampling),
             .device = options.device,
             .quiet = options.output.quiet};
  CheckpointSettings& settings = run.settings;
  settings.plans = plans_of(options, width_of(run.checkpoints.front()));
  settings.training = options.training;
  const auto processes = processes_of_environment();
  settings.training.processes = processes;
  settings.stream = {options.batch, options.buffer, options.seeds.front(), processes};
  run.shards = options.shards;
  settings.scaling = input_scaling_named(options.scaling, "--scaling");
  settings.steps = options.steps;
  settings.save_every = options.save_every;
  const Json saes = train_series(options.out, std::move(run));
  if (processes->writes())
    print_result(options.output, saes, print_all);
}

void add_coder_options(CLI::App& command, Options& options) {
  command
      .add_option("--kind", options.kinds,
                  "Kinds of autoencoders: topk, batchtopk, matryoshka, jumprelu")
      ->type_name("KIND,...")
      ->delimiter(',')
      ->capture_default_str();
  command.add_option("--expansion", options.expansions, "Latents over the activations' width")
      ->type_name("NUMBER,...")
      ->delimiter(',')
      ->capture_default_str();
  command.add_option("--k", options.ks, "Active latents an input")
      ->type_name("NUMBER,...")
      ->delimiter(',')
      ->capture_default_str();
  command
      .add_option("--learning-rates", options.rates,
                  "All are trained on the same stream; the best on the validation part is chosen")
      ->type_name("NUMBER,...")
      ->delimiter(',')
      ->capture_default_str();
  command
      .add_option("--seeds", options.seeds,
                  "Of the autoencoders' first weights; the first also of the order of activations")
      ->type_name("NUMBER,...")
      ->delimiter(',')
      ->capture_default_str();
  command
      .add_option("--dead-weight", options.dead_weight,
                  "Weight of the term that revives dead latents (AuxK); 0: none")
      ->capture_default_str();
  command.add_flag("--multi", options.multi, "Add Multi-TopK's term: the 4 k largest, weight 1/8");
}

void add_training_options(CLI::App& command, Options& options) {
  TrainingSettings& training = options.training;
  command.add_option("--steps", options.steps, "Steps of each autoencoder")->capture_default_str();
  command.add_option("--batch", options.batch, "Activations in a step")->capture_default_str();
  command
      .add_option("--buffer", options.buffer, "Activations that are shuffled together, in memory")
      ->capture_default_str();
  command.add_flag(
      "--keep-activations", options.shards,
      "Keep a checkpoint's activations on the disk while it is trained: where there is "
      "more text than --buffer, later epochs need no model");
  command
      .add_option("--warm-up", training.optimizer.warm_up,
                  "Steps over which the learning rate grows; then it is constant")
      ->capture_default_str();
  command
      .add_option("--decay", training.optimizer.decayed_share,
                  "Share of the steps at the end over which it falls to 0")
      ->capture_default_str()
      ->check(CLI::Range(0.0, 1.0));
  add_choice(command, "--optimizer", training.optimizer.rule, "adam|signum",
             "How weights follow their gradients")
      ->capture_default_str();
  command.add_option("--weight-decay", training.optimizer.weight_decay, "Of matrices (AdamW)")
      ->capture_default_str();
  command
      .add_option("--save-every", options.save_every,
                  "Seconds between states that the same command goes on from when it was killed")
      ->capture_default_str();
  command
      .add_option("--dead-after", training.dead_after,
                  "Activations without a positive value after which a latent counts as dead")
      ->capture_default_str();
}

} // namespace

void add_sae(CLI::App& program) {
  auto options = std::make_shared<Options>();
  CLI::App* command = program.add_subcommand(
      "sae", "Train sparse autoencoders on the activations of a series of checkpoints");
  command
      ->add_option("MODELS", options->models,
                   "Folder of a series (pretrain's), or models: Hugging Face folders, .gguf files, "
                   "run folders")
      ->type_name("PATH");
  command
      ->add_option("--site", options->sites,
                   "Where activations are taken: block:6 is the residual stream after six blocks, "
                   "block:0 the embedding")
      ->type_name("SITE,...")
      ->delimiter(',');
  command
      ->add_option("--text", options->text,
                   "Folders of documents: .txt files, {\"text\": ...} lines of .jsonl files; of a "
                   "series, if it is not given, those that it was trained on")
      ->type_name("DIR");
  command->add_option("--out", options->out, "Folder to write; the same command continues it")
      ->type_name("DIR");
  command
      ->add_option("--sampling", options->sampling,
                   "first:65 (BOS and the first 64 tokens of each document, as in the paper) or "
                   "all:256 (everything, in windows); activations at BOS are left out")
      ->type_name("RULE")
      ->capture_default_str();
  add_choice(*command, "--scaling", options->scaling, "unit_norm|mean_norm|none",
             "Of activations: each to norm 1 (the paper), all by one number, as they are")
      ->capture_default_str();
  add_coder_options(*command, *options);
  add_training_options(*command, *options);
  add_device_option(*command, options->device);
  add_output_options(*command, options->output, "Print sae.json instead of the table");
  command->footer("Example: latticelens sae series/ --site block:6 --text ja/ en/ --expansion 16 "
                  "--k 32 --learning-rates 1e-4,3e-4,1e-3 --out saes/");
  add_sae_evaluate(*command);
  command->callback([command, options] {
    if (command->get_subcommands().empty())
      run(*options);
  });
}

} // namespace latticelens
