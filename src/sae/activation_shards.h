// Activations of all windows on a disk: read from the model once, then from there in every epoch.
#pragma once
#include "sae/sampling_rule.h"
#include "tensor/processes.h"
#include <filesystem>
#include <functional>

namespace latticelens {

class SiteReader;

class ActivationShards {
 public:
  /// Writes activations-0000.safetensors ... into the folder, a tensor a site, F32; those that are
  /// there are kept: a killed run goes on. Each process writes its share. `progress`: activations
  /// just read or found. Errors: those of the reader, a full disk, shards of other windows.
  ActivationShards(std::filesystem::path folder, const SiteReader& reader,
                   const std::vector<TextWindow>& windows,
                   const std::function<std::string(std::int64_t)>& name_of, Processes& processes,
                   const std::function<void(std::int64_t)>& progress);

  /// By site [tokens, d]: of these windows, one after the other.
  std::vector<Tensor> read(const std::vector<std::int64_t>& windows) const;

 private:
  struct Place {
    std::size_t shard;
    std::int64_t first, last; // rows
  };
  std::filesystem::path file(std::size_t shard) const;
  void write(std::size_t shard, const SiteReader& reader, const std::vector<TextWindow>& windows,
             const std::function<std::string(std::int64_t)>& name_of) const;
  void open(std::size_t shard, std::int64_t tokens, const SiteReader& reader);

  std::filesystem::path folder_;
  std::vector<Place> places_;               // by window
  std::vector<std::size_t> starts_;         // the first window of each shard, and the end
  std::vector<std::vector<Tensor>> shards_; // mapped, by shard and site
};

} // namespace latticelens
