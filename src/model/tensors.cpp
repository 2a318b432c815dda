#include "model/tensors.h"

#include "core/error.h"
#include "core/json.h"
#include "kernels/finite.h"
#include "tensor/safetensors.h"
#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <algorithm>
#include <atomic>
#include <set>

namespace latticelens {
namespace {

class SafetensorsFolder : public TensorSource {
 public:
  explicit SafetensorsFolder(const std::filesystem::path& folder) : folder_(folder) {
    const auto index = folder / "model.safetensors.index.json";
    if (std::filesystem::exists(index))
      open_index(index);
    else
      open_single(folder / "model.safetensors");
  }

  bool has(const std::string& name) const override { return file_of_.contains(name); }
  Tensor load(const std::string& name) const override {
    const auto found = file_of_.find(name);
    require(found != file_of_.end(), "model",
            folder_.string() + ": tensor \"" + name + "\" is missing; incomplete download?");
    return found->second->load(name);
  }
  std::string stored_type(const std::string& name) const override {
    const auto found = file_of_.find(name);
    require(found != file_of_.end(), "model", name + ": is missing");
    return found->second->entries().at(name).dtype;
  }
  void release_pages() const override {
    for (const auto& file : files_)
      file->release_pages();
  }
  std::vector<std::string> names() const override {
    std::vector<std::string> all;
    for (const auto& [name, file] : file_of_)
      all.push_back(name);
    return all;
  }

 private:
  void open_single(const std::filesystem::path& path) {
    require(std::filesystem::exists(path), "model",
            folder_.string() + ": has neither model.safetensors nor model.safetensors.index.json; "
                               "is it a model's folder?");
    const auto file = std::make_shared<const SafetensorsFile>(path);
    files_.push_back(file);
    for (const auto& [name, entry] : file->entries())
      file_of_[name] = file;
  }

  void open_index(const std::filesystem::path& path) {
    const Json index = member<Json>(read_json(path), "weight_map", path.string());
    require(index.is_object(), "model", path.string() + ": \"weight_map\" is no object");
    std::map<std::string, std::shared_ptr<const SafetensorsFile>> files;
    for (const auto& [name, value] : index.items()) {
      const auto shard = member<std::string>(index, name, path.string());
      require(shard.find('/') == std::string::npos && shard != "..", "model",
              path.string() + ": shard \"" + shard + "\" lies outside the folder");
      auto& file = files[shard];
      if (!file) {
        require(std::filesystem::exists(folder_ / shard), "model",
                (folder_ / shard).string() +
                    ": the index names this shard but it is absent; incomplete download?");
        file = std::make_shared<const SafetensorsFile>(folder_ / shard);
        files_.push_back(file);
      }
      require(file->has(name), "model",
              (folder_ / shard).string() + ": lacks tensor \"" + name +
                  "\" that the index promises");
      file_of_[name] = file;
    }
  }

  std::filesystem::path folder_;
  std::vector<std::shared_ptr<const SafetensorsFile>> files_;
  std::map<std::string, std::shared_ptr<const SafetensorsFile>> file_of_;
};

} // namespace

std::shared_ptr<const TensorSource> open_safetensors_folder(const std::filesystem::path& folder) {
  return std::make_shared<SafetensorsFolder>(folder);
}

namespace {

constexpr std::int64_t values_per_task = 1 << 16;

/// On all threads; LibTorch's sum in fp64 would copy the values first.
bool is_finite(const Tensor& x) {
  const Tensor values = x.contiguous();
  const auto* data = values.const_data_ptr();
  const auto part_is_finite = [&](std::int64_t begin, std::int64_t end) {
    const auto count = static_cast<std::size_t>(end - begin);
    if (values.scalar_type() == at::kFloat)
      return all_finite({static_cast<const float*>(data) + begin, count});
    const std::uint16_t exponent = values.scalar_type() == at::kHalf ? 0x7c00 : 0x7f80;
    return all_finite({static_cast<const std::uint16_t*>(data) + begin, count}, exponent);
  };
  if (values.scalar_type() != at::kFloat && values.scalar_type() != at::kHalf &&
      values.scalar_type() != at::kBFloat16)
    return is_finite(values.to(at::kFloat));
  std::atomic<bool> finite = true;
  at::parallel_for(0, values.numel(), values_per_task, [&](std::int64_t begin, std::int64_t end) {
    if (!part_is_finite(begin, end))
      finite = false;
  });
  return finite;
}

std::string print(at::IntArrayRef sizes) {
  std::string text = "[";
  for (std::size_t i = 0; i < sizes.size(); ++i)
    text += (i ? ", " : "") + std::to_string(sizes[i]);
  return text + "]";
}

} // namespace

Tensor load_stored(const TensorSource& tensors, const std::string& name,
                   const std::vector<std::int64_t>& shape) {
  Tensor stored = tensors.load(name);
  require(stored.sizes() == at::IntArrayRef(shape), "model",
          "tensor \"" + name + "\" has shape " + print(stored.sizes()) +
              ", but the config asks for " + print(shape));
  require(at::isFloatingType(stored.scalar_type()), "model",
          "tensor \"" + name + "\" has dtype " + at::toString(stored.scalar_type()) +
              ", no floating type");
  return stored;
}

void require_finite(const Tensor& x, const std::string& name) {
  require(is_finite(x), "model",
          "tensor \"" + name + "\" has NaN or infinite values; the file is damaged");
}

Tensor load_weight(const TensorSource& tensors, const std::string& name,
                   const std::vector<std::int64_t>& shape) {
  Tensor weight = load_stored(tensors, name, shape).to(at::kFloat);
  require_finite(weight, name);
  return weight;
}

} // namespace latticelens
