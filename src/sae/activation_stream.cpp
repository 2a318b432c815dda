#include "sae/activation_stream.h"

#include "core/error.h"
#include "core/progress.h"
#include "core/random.h"
#include <ATen/ATen.h>
#include <algorithm>
#include <cmath>
#include <numeric>

namespace latticelens {
namespace {

constexpr std::int64_t tokens_at_once = 4096; // that pass through the model together

std::int64_t last_site(const std::vector<ActivationSite>& sites) {
  std::int64_t last = 0;
  for (const ActivationSite& site : sites)
    last = std::max(last, site.blocks);
  return last;
}

/// The windows' ids [n, longest]; short ones end in their first token again, which no token before
/// it sees.
Tensor padded_ids(const std::vector<const TextWindow*>& windows, std::int64_t longest) {
  Tensor ids = at::empty({std::ssize(windows), longest}, at::kLong);
  std::int64_t* to = ids.mutable_data_ptr<std::int64_t>();
  for (const TextWindow* window : windows)
    for (std::int64_t i = 0; i < longest; ++i)
      *to++ = i < std::ssize(window->ids) ? window->ids[static_cast<std::size_t>(i)]
                                          : window->ids.front();
  return ids;
}

std::int64_t longest_of(const std::vector<const TextWindow*>& windows) {
  std::int64_t longest = 0;
  for (const TextWindow* window : windows)
    longest = std::max<std::int64_t>(longest, std::ssize(window->ids));
  return longest;
}

/// Fisher and Yates, from a seed.
void shuffle(std::span<std::int64_t> numbers, std::uint64_t seed) {
  Random random(seed);
  for (std::size_t i = numbers.size(); i > 1; --i) {
    const auto j = static_cast<std::size_t>(random.uniform() * static_cast<double>(i));
    std::swap(numbers[i - 1], numbers[j]);
  }
}

std::uint64_t seed_of(std::uint64_t seed, const char* purpose, std::int64_t epoch,
                      std::int64_t window) {
  return derived_seed(seed, std::string(purpose) + " " + std::to_string(epoch) + " " +
                                std::to_string(window));
}

} // namespace

SiteReader::SiteReader(const Model& model, std::vector<ActivationSite> sites,
                       std::int64_t longest_window)
    : model_(model), sites_(std::move(sites)),
      rope_(make_rope(model.config, longest_window, model.device)),
      embedding_(load_embedding(model)) {
  require(!is_long(model.config, longest_window), "sae",
          model.path.string() + ": windows of " + std::to_string(longest_window) +
              " tokens have a rotary table of their own; give shorter ones");
  for (std::int64_t layer = 0; layer < last_site(sites_); ++layer)
    blocks_.push_back(load_block_to_run(model, layer));
}

std::size_t SiteReader::at_once(std::int64_t length) const {
  return static_cast<std::size_t>(std::max<std::int64_t>(tokens_at_once / length, 1));
}

std::vector<Tensor>
SiteReader::read(const std::vector<const TextWindow*>& windows,
                 const std::function<std::string(std::int64_t)>& name_of) const {
  const std::int64_t longest = longest_of(windows), count = std::ssize(windows);
  Tensor x = embed(embedding_, padded_ids(windows, longest).flatten(), model_.config)
                 .view({count, longest, model_.config.hidden});
  std::vector<Tensor> taken(sites_.size());
  const auto take = [&](std::int64_t blocks) {
    for (std::size_t s = 0; s < sites_.size(); ++s) {
      if (sites_[s].blocks != blocks)
        continue;
      std::vector<Tensor> rows;
      for (std::int64_t i = 0; i < count; ++i) {
        const TextWindow& window = *windows[static_cast<std::size_t>(i)];
        rows.push_back(x[i].slice(0, window.first, std::ssize(window.ids)).cpu());
        require(at::isfinite(rows.back()).all().item<bool>(), "sae",
                model_.path.string() + ": NaN or infinite activations at " + to_text(sites_[s]) +
                    " in " + name_of(window.document) +
                    "; leave out the document, or the checkpoint");
      }
      taken[s] = at::cat(rows);
    }
  };
  take(0);
  for (std::size_t layer = 0; layer < blocks_.size(); ++layer) {
    x = run_block(model_, blocks_[layer], rope_, x);
    take(static_cast<std::int64_t>(layer) + 1);
  }
  return taken;
}

Tensor scaled(const Tensor& x, InputScaling scaling, double factor) {
  if (scaling == InputScaling::none)
    return x;
  if (scaling == InputScaling::mean_norm)
    return x * factor;
  const Tensor norms = x.norm(2, {-1}, true);
  return x / at::where(norms > 0, norms, 1.0);
}

double input_factor(const Tensor& x, InputScaling scaling) {
  if (scaling != InputScaling::mean_norm)
    return 1;
  const double mean = x.norm(2, {-1}).mean(at::kDouble).item<double>();
  return mean > 0 ? std::sqrt(static_cast<double>(x.size(-1))) / mean : 1;
}

ActivationStream::ActivationStream(const SiteReader& reader, const std::vector<TextWindow>& windows,
                                   StreamSettings settings,
                                   std::function<std::string(std::int64_t)> name_of)
    : reader_(reader), windows_(windows), settings_(settings), name_of_(std::move(name_of)) {
  std::int64_t all = 0;
  for (const TextWindow& window : windows)
    all += window.taken();
  require(all >= settings.batch, "sae",
          "the text has " + std::to_string(all) +
              " activations to train on, less than one batch of " + std::to_string(settings.batch) +
              "; give more text or a smaller --batch");
  settings_.buffer = std::max(settings_.buffer, settings_.batch);
  if (!settings_.processes)
    settings_.processes = one_process();
  whole_ = all <= settings_.buffer;
}

void ActivationStream::order_epoch() {
  if (ordered_epoch_ == position_.epoch)
    return;
  order_.resize(windows_.size());
  std::iota(order_.begin(), order_.end(), 0);
  if (!whole_)
    shuffle(order_, seed_of(settings_.seed, "windows", position_.epoch, 0));
  ordered_epoch_ = position_.epoch;
}

std::int64_t ActivationStream::end_of_buffer() const {
  std::int64_t taken = 0, end = position_.window;
  while (end < std::ssize(order_) && taken < settings_.buffer)
    taken += windows_[static_cast<std::size_t>(order_[static_cast<std::size_t>(end++)])].taken();
  return end;
}

void ActivationStream::read_buffer() {
  const std::vector<std::int64_t> windows(order_.begin() + position_.window,
                                          order_.begin() + filled_end_);
  const Stopwatch watch;
  if (settings_.shards.empty()) {
    read_from_model(windows);
  } else {
    if (!shards_)
      shards_.emplace(settings_.shards, reader_, windows_, name_of_, *settings_.processes,
                      progress);
    buffer_ = shards_->read(windows);
  }
  model_seconds_ += watch.seconds();
}

/// This process's share, and what the others read.
void ActivationStream::read_from_model(const std::vector<std::int64_t>& windows) {
  const auto [first, last] = settings_.processes->share_of(std::ssize(windows));
  std::vector<TextWindow> some;
  for (std::int64_t i = first; i < last; ++i)
    some.push_back(windows_[static_cast<std::size_t>(windows[static_cast<std::size_t>(i)])]);
  std::vector<std::vector<Tensor>> parts(reader_.sites().size());
  for_each_activations(reader_, some, name_of_,
                       [&](const std::vector<Tensor>& activations, std::size_t, std::size_t) {
                         for (std::size_t s = 0; s < parts.size(); ++s)
                           parts[s].push_back(activations[s]);
                         if (progress)
                           progress(activations.front().size(0));
                       });
  buffer_.clear();
  for (const std::vector<Tensor>& of_site : parts)
    buffer_.push_back(settings_.processes->gather_rows(
        of_site.empty() ? at::zeros({0, reader_.model().config.hidden}, at::kFloat)
                        : at::cat(of_site)));
}

void ActivationStream::fill() {
  order_epoch();
  if (filled_epoch_ == position_.epoch && filled_window_ == position_.window)
    return;
  const bool kept = whole_ && !buffer_.empty(); // only the order of activations is another
  filled_end_ = end_of_buffer();
  if (!kept)
    read_buffer();
  shuffled_ = at::arange(buffer_.front().size(0), at::kLong);
  shuffle({shuffled_.mutable_data_ptr<std::int64_t>(), static_cast<std::size_t>(shuffled_.numel())},
          seed_of(settings_.seed, "activations", position_.epoch, position_.window));
  filled_epoch_ = position_.epoch;
  filled_window_ = position_.window;
}

std::vector<Tensor> ActivationStream::next() {
  for (;;) {
    fill();
    const std::int64_t first = position_.batch * settings_.batch;
    if (first + settings_.batch <= shuffled_.numel()) {
      ++position_.batch;
      const Tensor rows = shuffled_.slice(0, first, first + settings_.batch);
      std::vector<Tensor> batch;
      for (const Tensor& all : buffer_)
        batch.push_back(all.index_select(0, rows));
      return batch;
    }
    const bool ended = filled_end_ >= std::ssize(order_);
    position_ = {position_.epoch + (ended ? 1 : 0), ended ? 0 : filled_end_, 0};
  }
}

void ActivationStream::seek(const StreamPosition& position) {
  position_ = position;
}

void for_each_activations(const SiteReader& reader, const std::vector<TextWindow>& windows,
                          const std::function<std::string(std::int64_t)>& name_of,
                          const std::function<void(const std::vector<Tensor>& activations,
                                                   std::size_t first, std::size_t count)>& visit) {
  for (std::size_t first = 0; first < windows.size();) {
    std::vector<const TextWindow*> some;
    const std::size_t most = reader.at_once(std::ssize(windows[first].ids));
    for (std::size_t i = first; i < windows.size() && some.size() < most; ++i)
      some.push_back(&windows[i]);
    visit(reader.read(some, name_of), first, some.size());
    first += some.size();
  }
}

} // namespace latticelens
