// Activations of a model at some sites, batch after batch, shuffled: the model is run up to the
// last site only, once for all sites and all autoencoders.
#pragma once
#include "model/attention.h"
#include "model/model.h"
#include "sae/activation_shards.h"
#include "sae/coder.h"
#include "sae/sampling_rule.h"
#include "sae/site.h"
#include "tensor/processes.h"
#include <optional>

namespace latticelens {

/// The blocks up to the last site, in memory.
class SiteReader {
 public:
  SiteReader(const Model& model, std::vector<ActivationSite> sites, std::int64_t longest_window);

  const Model& model() const { return model_; }
  const std::vector<ActivationSite>& sites() const { return sites_; }
  /// Activations of the windows' taken tokens [tokens, d] by site, in the order of windows and
  /// tokens, on the CPU. Error, naming the document by `name_of`: NaN or infinity.
  std::vector<Tensor> read(const std::vector<const TextWindow*>& windows,
                           const std::function<std::string(std::int64_t)>& name_of) const;
  /// Windows that are run together.
  std::size_t at_once(std::int64_t length) const;

 private:
  const Model& model_;
  std::vector<ActivationSite> sites_;
  Rope rope_;
  Tensor embedding_;
  std::vector<Block> blocks_;
};

/// x [B, d] as an autoencoder reads it.
Tensor scaled(const Tensor& x, InputScaling scaling, double factor);
/// The factor of InputScaling::mean_norm for activations like these [B, d]; 1 for the others.
double input_factor(const Tensor& x, InputScaling scaling);

struct StreamSettings {
  std::int64_t batch = 2048;     // activations
  std::int64_t buffer = 1 << 18; // activations that are shuffled together
  std::uint64_t seed = 0;
  std::shared_ptr<Processes> processes = nullptr; // each runs its share of windows; null: one
  /// Where all activations are kept on the disk; empty: buffers are read from the model again.
  std::filesystem::path shards = {};
};

/// Where a stream is: what another process needs to go on at the same batch.
struct StreamPosition {
  std::int64_t epoch = 0;
  std::int64_t window = 0; // of the epoch's order: where the buffer in hand begins
  std::int64_t batch = 0;  // of the buffer: the next one
};

/// Windows in an order of their own in every epoch; a buffer of activations is read, shuffled and
/// given out in whole batches, what is left of it below a batch is left out until the next epoch.
class ActivationStream {
 public:
  /// Error: fewer activations than one batch.
  ActivationStream(const SiteReader& reader, const std::vector<TextWindow>& windows,
                   StreamSettings settings, std::function<std::string(std::int64_t)> name_of);

  /// The next batch of every site [batch, d], unscaled.
  std::vector<Tensor> next();
  const StreamPosition& position() const { return position_; }
  void seek(const StreamPosition& position);
  /// Seconds spent in the model.
  double model_seconds() const { return model_seconds_; }
  /// Called with activations just read.
  std::function<void(std::int64_t)> progress;

 private:
  void order_epoch();
  void fill();
  void read_buffer();
  void read_from_model(const std::vector<std::int64_t>& windows);
  std::int64_t end_of_buffer() const;

  const SiteReader& reader_;
  const std::vector<TextWindow>& windows_;
  StreamSettings settings_;
  std::function<std::string(std::int64_t)> name_of_;
  StreamPosition position_;
  std::vector<std::int64_t> order_; // of windows, of the epoch
  std::int64_t ordered_epoch_ = -1, filled_epoch_ = -1, filled_window_ = -1, filled_end_ = 0;
  std::optional<ActivationShards> shards_; // once something was read
  std::vector<Tensor> buffer_;             // by site [tokens, d]
  bool whole_ = false;                     // the buffer holds all windows, in their own order
  Tensor shuffled_;                        // [tokens] I64
  double model_seconds_ = 0;
};

/// Calls `visit` with the activations [tokens, d] by site of all windows, some windows after the
/// other, in their order; first: the number of the first window among them.
void for_each_activations(const SiteReader& reader, const std::vector<TextWindow>& windows,
                          const std::function<std::string(std::int64_t)>& name_of,
                          const std::function<void(const std::vector<Tensor>& activations,
                                                   std::size_t first, std::size_t count)>& visit);

} // namespace latticelens
