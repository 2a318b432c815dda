#include "quantize/choose_rotations.h"

#include "core/error.h"
#include "quantize/survey.h"
#include "tensor/safetensors.h"
#include "transforms/block_matrix.h"
#include "transforms/orthogonal.h"
#include <ATen/ATen.h>

namespace latticelens {
namespace {

const std::string residual_name = "residual";

std::string values_name(std::int64_t layer) {
  return "value_output." + std::to_string(layer);
}

NamedTensors chosen_from(const Survey& survey) {
  NamedTensors tensors;
  for (std::size_t layer = 0; layer < survey.values.size(); ++layer)
    tensors.emplace_back(values_name(static_cast<std::int64_t>(layer)), survey.values[layer]);
  if (survey.residual.defined())
    tensors.emplace_back(residual_name, survey.residual);
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

/// What an earlier call of choose_rotations wrote. Errors: what lacks or does not fit.
class ChosenFile {
 public:
  explicit ChosenFile(const std::filesystem::path& path) : file_(path) {}

  std::vector<std::shared_ptr<const Transform>> values(std::int64_t layer,
                                                       const Config& config) const {
    const std::string name = values_name(layer);
    return by_head(load(name), config, where(name));
  }
  std::shared_ptr<const Transform> residual(const Config& config) const {
    const Tensor matrix = load(residual_name);
    require(matrix.dim() == 3 && matrix.size(0) == 1 && matrix.size(1) == config.hidden,
            "transform",
            where(residual_name) + ": does not fit the model; quantize into a new folder");
    return std::make_shared<Orthogonal>(matrix, where(residual_name));
  }

 private:
  std::string where(const std::string& name) const { return file_.path().string() + ": " + name; }
  Tensor load(const std::string& name) const {
    require(file_.has(name), "transform", where(name) + " is missing; quantize into a new folder");
    return file_.load(name);
  }
  SafetensorsFile file_;
};

bool is_chosen(const Method& method, Site site) {
  const TransformSpec* spec = transform_at(method, site);
  return spec && needs_calibration(*spec);
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
  const Config& config = request.model.config;
  const ChosenFile chosen(path);
  if (is_chosen(request.method, Site::residual))
    rotations.residual = chosen.residual(config);
  if (is_chosen(request.method, Site::value_output))
    for (std::int64_t layer = 0; layer < config.layers; ++layer)
      rotations.layers[layer].value_output = chosen.values(layer, config);
  return rotations;
}

} // namespace latticelens
