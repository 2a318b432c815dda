#include "quantize/choose_rotations.h"

#include "core/error.h"
#include "quantize/survey.h"
#include "tensor/safetensors.h"
#include "transforms/block_matrix.h"
#include <ATen/ATen.h>

namespace latticelens {
namespace {

std::string values_name(std::int64_t layer) {
  return "value_output." + std::to_string(layer);
}

NamedTensors chosen_from(const Survey& survey) {
  NamedTensors tensors;
  for (std::size_t layer = 0; layer < survey.values.size(); ++layer)
    tensors.emplace_back(values_name(static_cast<std::int64_t>(layer)), survey.values[layer]);
  return tensors;
}

/// One transform a key-value head of matrices [heads * blocks, size, size].
std::vector<std::shared_ptr<const Transform>> by_head(const Tensor& matrices, const Config& config,
                                                      const std::string& where) {
  require(matrices.dim() == 3 &&
              matrices.size(0) * matrices.size(1) == config.key_value_heads * config.head_dimension,
          "transform", where + ": does not fit the model; quantize into a new folder");
  std::vector<std::shared_ptr<const Transform>> heads;
  for (const Tensor& own : matrices.chunk(config.key_value_heads))
    heads.push_back(std::make_shared<BlockMatrix>(own, where));
  return heads;
}

void read_into(Rotations& rotations, const SafetensorsFile& file, const Config& config) {
  const auto where = [&](const std::string& name) { return file.path().string() + ": " + name; };
  for (std::int64_t layer = 0; layer < config.layers; ++layer) {
    const std::string name = values_name(layer);
    require(file.has(name), "transform", where(name) + " is missing; quantize into a new folder");
    rotations.layers[layer].value_output = by_head(file.load(name), config, where(name));
  }
}

} // namespace

Rotations choose_rotations(const QuantizeRequest& request, const std::filesystem::path& folder,
                           TimeTable& times) {
  Rotations rotations = rotations_of(request);
  if (!needs_survey(request.method))
    return rotations;
  const std::filesystem::path path = folder / "rotations.safetensors";
  if (!std::filesystem::exists(path)) {
    const Survey seen = times.measure("survey", [&] { return survey(request); });
    write_safetensors(path, chosen_from(seen));
  }
  read_into(rotations, SafetensorsFile(path), request.model.config);
  return rotations;
}

} // namespace latticelens
