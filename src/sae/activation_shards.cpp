#include "sae/activation_shards.h"

#include "core/error.h"
#include "core/files.h"
#include "sae/activation_stream.h"
#include "tensor/safetensors.h"
#include <ATen/ATen.h>

namespace latticelens {
namespace {

constexpr std::int64_t bytes_of_shard = std::int64_t{1} << 30; // held while it is written

std::string name_of_site(const ActivationSite& site) {
  return "block-" + std::to_string(site.blocks);
}

} // namespace

ActivationShards::ActivationShards(std::filesystem::path folder, const SiteReader& reader,
                                   const std::vector<TextWindow>& windows,
                                   const std::function<std::string(std::int64_t)>& name_of,
                                   Processes& processes,
                                   const std::function<void(std::int64_t)>& progress)
    : folder_(std::move(folder)) {
  make_directory(folder_);
  const std::int64_t bytes_of_token = 4 * reader.model().config.hidden * std::ssize(reader.sites()),
                     most = std::max<std::int64_t>(bytes_of_shard / bytes_of_token, 1);
  std::vector<std::int64_t> tokens; // of each shard
  for (std::size_t i = 0; i < windows.size(); ++i) {
    if (tokens.empty() || tokens.back() + windows[i].taken() > most) {
      tokens.push_back(0);
      starts_.push_back(i);
    }
    places_.push_back({tokens.size() - 1, tokens.back(), tokens.back() + windows[i].taken()});
    tokens.back() += windows[i].taken();
  }
  starts_.push_back(windows.size());
  for (std::size_t shard = 0; shard < tokens.size(); ++shard) {
    const bool mine = static_cast<std::int64_t>(shard) % processes.count() == processes.rank();
    if (mine && !std::filesystem::exists(file(shard)))
      write(shard, reader, windows, name_of);
    if (mine && progress)
      progress(tokens[shard]);
  }
  processes.wait_for_all();
  for (std::size_t shard = 0; shard < tokens.size(); ++shard)
    open(shard, tokens[shard], reader);
}

std::filesystem::path ActivationShards::file(std::size_t shard) const {
  const std::string number = std::to_string(shard);
  return folder_ / ("activations-" + std::string(number.size() < 4 ? 4 - number.size() : 0, '0') +
                    number + ".safetensors");
}

void ActivationShards::write(std::size_t shard, const SiteReader& reader,
                             const std::vector<TextWindow>& windows,
                             const std::function<std::string(std::int64_t)>& name_of) const {
  const std::vector<TextWindow> some(windows.begin() + static_cast<std::ptrdiff_t>(starts_[shard]),
                                     windows.begin() +
                                         static_cast<std::ptrdiff_t>(starts_[shard + 1]));
  std::vector<std::vector<Tensor>> parts(reader.sites().size());
  for_each_activations(reader, some, name_of,
                       [&](const std::vector<Tensor>& activations, std::size_t, std::size_t) {
                         for (std::size_t s = 0; s < parts.size(); ++s)
                           parts[s].push_back(activations[s]);
                       });
  NamedTensors tensors;
  for (std::size_t s = 0; s < parts.size(); ++s)
    tensors.emplace_back(name_of_site(reader.sites()[s]), at::cat(parts[s]));
  write_safetensors(file(shard), tensors);
}

void ActivationShards::open(std::size_t shard, std::int64_t tokens, const SiteReader& reader) {
  const SafetensorsFile stored(file(shard));
  std::vector<Tensor> of_sites;
  for (const ActivationSite& site : reader.sites()) {
    const std::string name = name_of_site(site);
    require(stored.has(name), "sae",
            file(shard).string() + ": lacks " + name + "; remove the folder to read it anew");
    of_sites.push_back(stored.load(name));
    require(of_sites.back().sizes() == at::IntArrayRef({tokens, reader.model().config.hidden}) &&
                of_sites.back().scalar_type() == at::kFloat,
            "sae",
            file(shard).string() +
                ": holds activations of another text; remove the folder to read them anew");
  }
  shards_.push_back(std::move(of_sites));
}

std::vector<Tensor> ActivationShards::read(const std::vector<std::int64_t>& windows) const {
  std::vector<std::vector<Tensor>> rows(shards_.front().size());
  for (const std::int64_t window : windows) {
    const Place& place = places_[static_cast<std::size_t>(window)];
    for (std::size_t s = 0; s < rows.size(); ++s)
      rows[s].push_back(shards_[place.shard][s].slice(0, place.first, place.last));
  }
  std::vector<Tensor> all;
  for (const std::vector<Tensor>& of_site : rows)
    all.push_back(at::cat(of_site));
  return all;
}

} // namespace latticelens
