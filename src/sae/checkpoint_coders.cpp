#include "sae/checkpoint_coders.h"

#include "core/error.h"
#include "core/files.h"
#include "core/progress.h"
#include "sae/geometric_median.h"
#include <ATen/ATen.h>

namespace latticelens {
namespace {

constexpr std::int64_t most_for_median = 32768; // activations that b_dec starts from

struct Trainee {
  CoderPlan plan;
  std::size_t site;
  CoderTraining training;
  std::int64_t checked = 0, missed = 0;
  StepReport last = {};
};

class CheckpointTraining {
 public:
  CheckpointTraining(const SiteReader& reader, const SampledText& text,
                     const std::function<std::string(std::int64_t)>& name_of,
                     const CheckpointSettings& settings, const std::filesystem::path& folder)
      : reader_(reader), settings_(settings), folder_(folder),
        stream_(reader, text.windows, settings.stream, name_of) {
    stream_.progress = settings.read;
    start();
    stream_.progress = {};
    if (std::filesystem::exists(state_file()))
      restore();
    else if (writes())
      write_text(log_file(), "");
    wait_for_all(); // no state is written while another process reads one
  }

  CheckpointReport run(const std::function<void(std::int64_t)>& step) {
    CheckpointReport report;
    Stopwatch since_saved;
    if (done_ > 0 && step)
      step(done_);
    while (done_ < settings_.steps) {
      const std::vector<Tensor> batch = stream_.next();
      const Stopwatch watch;
      train(batch);
      report.coder_seconds += watch.seconds();
      report.activations += settings_.stream.batch;
      ++done_;
      if (writes() && (done_ % settings_.log_every == 0 || done_ == settings_.steps || done_ == 1))
        log();
      if (writes() && since_saved.seconds() > settings_.save_every) {
        save();
        since_saved = Stopwatch();
      }
      if (step)
        step(1);
    }
    report.model_seconds = stream_.model_seconds();
    report.coders = finished();
    return report;
  }

 private:
  std::filesystem::path state_file() const { return folder_ / "state.safetensors"; }
  std::filesystem::path log_file() const { return folder_ / "training.jsonl"; }

  bool writes() const {
    return !settings_.stream.processes || settings_.stream.processes->writes();
  }
  void wait_for_all() const {
    if (settings_.stream.processes)
      settings_.stream.processes->wait_for_all();
  }

  /// b_dec from the first activations, and with it the weights.
  void start() {
    const StreamPosition beginning = stream_.position();
    std::vector<std::vector<Tensor>> first(reader_.sites().size());
    for (std::int64_t seen = 0; seen < most_for_median && stream_.position().epoch == 0;
         seen += settings_.stream.batch) {
      const std::vector<Tensor> batch = stream_.next();
      for (std::size_t s = 0; s < batch.size(); ++s)
        first[s].push_back(batch[s]);
    }
    stream_.seek(beginning);
    for (std::size_t s = 0; s < first.size(); ++s) {
      const Tensor all = at::cat(first[s]);
      factors_.push_back(input_factor(all, settings_.scaling));
      const Tensor median = geometric_median(scaled(all, settings_.scaling, factors_.back()),
                                             {.tolerance = 1e-7, .most_iterations = 200})
                                .point.to(at::kFloat);
      for (const CoderPlan& plan : settings_.plans)
        add(plan, s, median);
    }
  }

  void add(CoderPlan plan, std::size_t site, const Tensor& median) {
    plan.width = median.numel();
    TrainingSettings training = settings_.training;
    training.optimizer.rate = plan.rate;
    training.optimizer.steps = settings_.steps;
    training.active = plan.k;
    trainees_.push_back({plan, site,
                         CoderTraining(initial_weights(plan.latents, median, plan.seed),
                                       terms_of(plan), training)});
  }

  void train(const std::vector<Tensor>& batch) {
    std::vector<Tensor> inputs;
    for (std::size_t s = 0; s < batch.size(); ++s)
      inputs.push_back(scaled(batch[s], settings_.scaling, factors_[s]));
    for (Trainee& trainee : trainees_) {
      trainee.last = trainee.training.step(inputs[trainee.site]);
      trainee.checked += trainee.last.checked;
      trainee.missed += trainee.last.missed;
    }
  }

  void log() const {
    std::string lines;
    for (const Trainee& trainee : trainees_)
      lines += (lines.empty() ? "" : "\n") +
               to_text({{"step", done_},
                        {"activations", done_ * settings_.stream.batch},
                        {"site", to_text(reader_.sites()[trainee.site])},
                        {"coder", name_of(trainee.plan)},
                        {"loss", trainee.last.loss},
                        {"fvu_batch", trainee.last.fvu},
                        {"l0", trainee.last.l0},
                        {"dead", trainee.last.dead},
                        {"rate", rate_at(optimizer_of(trainee.plan), done_)}});
    append_line(log_file(), lines);
  }

  OptimizerSettings optimizer_of(const CoderPlan& plan) const {
    OptimizerSettings optimizer = settings_.training.optimizer;
    optimizer.rate = plan.rate;
    optimizer.steps = settings_.steps;
    return optimizer;
  }

  static std::string prefix_of(std::size_t i) { return "coder" + std::to_string(i) + "."; }

  void save() const {
    const StreamPosition& at = stream_.position();
    NamedTensors tensors = {
        {"position", at::tensor({done_, at.epoch, at.window, at.batch}, at::kLong)}};
    for (std::size_t i = 0; i < trainees_.size(); ++i) {
      trainees_[i].training.save(tensors, prefix_of(i));
      tensors.emplace_back(prefix_of(i) + "searched",
                           at::tensor({trainees_[i].checked, trainees_[i].missed}, at::kLong));
    }
    write_safetensors(state_file(), tensors);
  }

  void restore() {
    const SafetensorsFile file(state_file());
    const auto numbers = [&](const std::string& name, std::int64_t count) {
      require(file.has(name), "sae",
              state_file().string() + ": lacks " + name +
                  "; remove it to begin this checkpoint anew");
      const Tensor stored = file.load(name);
      require(stored.numel() == count && stored.scalar_type() == at::kLong, "sae",
              state_file().string() + ": " + name +
                  " is of another shape; remove it to begin this checkpoint anew");
      return stored;
    };
    const Tensor at = numbers("position", 4);
    const auto number = [&](std::int64_t i) { return at[i].item<std::int64_t>(); };
    done_ = number(0);
    stream_.seek({number(1), number(2), number(3)});
    for (std::size_t i = 0; i < trainees_.size(); ++i) {
      trainees_[i].training.load(file, prefix_of(i));
      const Tensor searched = numbers(prefix_of(i) + "searched", 2);
      trainees_[i].checked = searched[0].item<std::int64_t>();
      trainees_[i].missed = searched[1].item<std::int64_t>();
    }
    if (writes())
      forget_log_behind(done_);
  }

  /// Steps that were logged after the state was saved are trained again.
  void forget_log_behind(std::int64_t step) const {
    std::string kept;
    const std::string all = std::filesystem::exists(log_file()) ? read_text(log_file()) : "";
    for (std::size_t start = 0; start < all.size();) {
      const std::size_t end = all.find('\n', start);
      if (end == std::string::npos)
        break; // a line that was cut off
      const std::string line = all.substr(start, end - start);
      if (member<std::int64_t>(parse_json(line, log_file().string()), "step",
                               log_file().string()) <= step)
        kept += line + "\n";
      start = end + 1;
    }
    write_text(log_file(), kept);
  }

  std::vector<TrainedCoder> finished() const {
    std::vector<TrainedCoder> all;
    for (const Trainee& trainee : trainees_) {
      const ActivationSite& site = reader_.sites()[trainee.site];
      CoderConfig config;
      config.selection = find_coder_kind(trainee.plan.kind).selection;
      config.k = trainee.plan.k;
      config.scaling = settings_.scaling;
      config.input_factor = factors_[trainee.site];
      config.model = reader_.model().path.filename().string();
      config.site = to_text(site);
      config.site_block = site.blocks;
      if (const Tensor& thresholds = trainee.training.weights().log_thresholds;
          thresholds.defined())
        config.thresholds = thresholds.exp();
      all.push_back({trainee.plan,
                     site,
                     {config, trainee.training.weights()},
                     trainee.last,
                     trainee.checked,
                     trainee.missed});
    }
    return all;
  }

  const SiteReader& reader_;
  const CheckpointSettings& settings_;
  std::filesystem::path folder_;
  ActivationStream stream_;
  std::vector<double> factors_; // by site
  std::vector<Trainee> trainees_;
  std::int64_t done_ = 0;
};

} // namespace

CheckpointReport train_coders(const SiteReader& reader, const SampledText& text,
                              const std::function<std::string(std::int64_t)>& name_of,
                              const CheckpointSettings& settings,
                              const std::filesystem::path& folder,
                              const std::function<void(std::int64_t)>& step) {
  make_directory(folder);
  return CheckpointTraining(reader, text, name_of, settings, folder).run(step);
}

} // namespace latticelens
