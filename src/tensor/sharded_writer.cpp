#include "tensor/sharded_writer.h"

#include "core/error.h"
#include "core/json.h"
#include <set>

namespace latticelens {
namespace {

void require_distinct_names(const std::vector<TensorLayout>& plan,
                            const std::filesystem::path& folder) {
  std::set<std::string> names;
  for (const TensorLayout& layout : plan)
    require(names.insert(layout.name).second, "safetensors",
            folder.string() + ": tensor \"" + layout.name +
                "\" cannot be written: its name is already taken");
}

} // namespace

std::vector<std::vector<TensorLayout>> cut_into_shards(const std::vector<TensorLayout>& plan,
                                                       std::int64_t shard_size) {
  require(shard_size > 0, "safetensors", "a shard needs room for at least one byte");
  std::vector<std::vector<TensorLayout>> shards(1);
  std::int64_t room = shard_size;
  for (const TensorLayout& layout : plan) {
    const std::int64_t bytes = bytes_of(layout);
    if (bytes > 0 && bytes > room && !shards.back().empty()) {
      shards.emplace_back();
      room = shard_size;
    }
    shards.back().push_back(layout);
    room -= bytes;
  }
  return shards;
}

ShardedWriter::ShardedWriter(std::filesystem::path folder, const std::vector<TensorLayout>& plan,
                             std::int64_t shard_size)
    : folder_(std::move(folder)), shards_(cut_into_shards(plan, shard_size)) {
  require_distinct_names(plan, folder_);
  begin_next();
}

std::string ShardedWriter::file_name(std::size_t shard) const {
  if (shards_.size() == 1)
    return "model.safetensors";
  char name[64];
  std::snprintf(name, sizeof name, "model-%05zu-of-%05zu.safetensors", shard + 1, shards_.size());
  return name;
}

/// Opens the next file; false when there is none.
bool ShardedWriter::begin_next() {
  if (begun_ == shards_.size())
    return false;
  file_.emplace(folder_ / file_name(begun_), shards_[begun_]);
  ++begun_;
  return true;
}

void ShardedWriter::add(const std::string& name, const Tensor& rows) {
  require(file_.has_value(), "safetensors", folder_.string() + ": is written to its end already");
  while (file_->complete() && begun_ < shards_.size()) {
    file_->commit();
    begin_next();
  }
  file_->add(name, rows);
}

void ShardedWriter::commit() {
  do
    file_->commit();
  while (begin_next());
  file_.reset();
  if (shards_.size() > 1)
    write_index();
}

void ShardedWriter::write_index() const {
  Json map = Json::object();
  std::int64_t bytes = 0;
  for (std::size_t shard = 0; shard < shards_.size(); ++shard)
    for (const TensorLayout& layout : shards_[shard]) {
      map[layout.name] = file_name(shard);
      bytes += bytes_of(layout);
    }
  const Json index = {{"metadata", {{"total_size", bytes}}}, {"weight_map", map}};
  write_text(folder_ / "model.safetensors.index.json", index.dump(2) + "\n");
}

} // namespace latticelens
