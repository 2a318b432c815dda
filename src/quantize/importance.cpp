#include "quantize/importance.h"

#include "core/error.h"
#include "tensor/safetensors.h"
#include <ATen/ATen.h>

namespace latticelens {
namespace {

constexpr double own_share = 0.5;
const std::string tokens_end = ".tokens", outputs_end = ".outputs", scale_end = ".scale";

Tensor relative(const Tensor& sums) {
  const Tensor mean = sums.to(at::kDouble).mean();
  return mean.item<double>() > 0 ? (sums.to(at::kDouble) / mean).to(at::kFloat)
                                 : at::ones_like(sums, at::kFloat);
}

Tensor factors(const Tensor& importance) {
  return (importance * own_share + (1 - own_share)).sqrt();
}

} // namespace

Importance::Importance(const std::filesystem::path& path) {
  const SafetensorsFile file(path);
  for (const auto& [name, entry] : file.entries())
    if (name.ends_with(outputs_end)) {
      const std::string place = name.substr(0, name.size() - outputs_end.size());
      require(file.has(place + scale_end), "method",
              path.string() + ": has no " + place + scale_end + "; quantize into a new folder");
      stages_[place] = {
          file.has(place + tokens_end) ? file.load(place + tokens_end).clone() : Tensor(),
          file.load(name).clone(), file.load(place + scale_end).to(at::kDouble).item<double>()};
    }
}

void Importance::write(const std::filesystem::path& path) const {
  std::vector<std::pair<std::string, Tensor>> tensors;
  for (const auto& [place, stage] : stages_) {
    if (stage.tokens.defined())
      tensors.emplace_back(place + tokens_end, stage.tokens);
    tensors.emplace_back(place + outputs_end, stage.outputs);
    tensors.emplace_back(place + scale_end, at::full({1}, stage.scale, at::kDouble));
  }
  write_safetensors(path, tensors);
}

void Importance::set(const std::string& place, const StageImportance& squares) {
  stages_[place] = {squares.tokens.defined() ? relative(squares.tokens) : Tensor(),
                    relative(squares.outputs), squares.scale};
}

const StageImportance& Importance::at(const std::string& place) const {
  const auto found = stages_.find(place);
  require(found != stages_.end(), "method",
          "the importance of " + place + " was not measured; quantize into a new folder");
  return found->second;
}

Tensor Importance::token_factors(const std::string& place, std::size_t window) const {
  const Tensor& tokens = at(place).tokens;
  if (!tokens.defined())
    return at::ones({1, 1, 1});
  require(static_cast<std::int64_t>(window) < tokens.size(0), "method",
          "importance was measured on fewer windows; quantize into a new folder");
  return factors(tokens[static_cast<std::int64_t>(window)]).view({1, -1, 1});
}

Tensor Importance::output_factors(const std::string& place) const {
  return factors(at(place).outputs).view({-1, 1});
}

} // namespace latticelens
