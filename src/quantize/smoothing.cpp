#include "quantize/smoothing.h"

#include "core/error.h"
#include "core/progress.h"
#include "tensor/safetensors.h"
#include "tensor/token_rows.h"
#include <ATen/ATen.h>
#include <algorithm>
#include <map>

namespace latticelens {
namespace {

using ByName = std::map<std::string, Tensor>; // full name of a norm -> [width]

/// The largest |x| of each channel after each norm.
ByName input_maxima(const Model& model, const TokenWindows& text, bool quiet) {
  ByName maxima;
  Progress progress("largest inputs", "blocks", model.config.layers, quiet);
  const auto& sites = model.layout->rotation.norm_readers;
  const Tap tap = [&](std::string_view place, const Tensor& x) {
    const std::size_t end = place.rfind('.') + 1;
    for (const Stage& stage : model.layout->stages)
      if (place.substr(end) == stage.name && x.numel() > 0)
        for (const auto& [norm, readers] : sites)
          if (std::find(readers.begin(), readers.end(), stage.linears.front()) != readers.end()) {
            const Tensor largest = x.reshape({-1, x.size(-1)}).abs().amax(0).to(at::kDouble);
            Tensor& known = maxima[std::string(place.substr(0, end)) + norm];
            known = known.defined() ? at::maximum(known, largest) : largest;
          }
  };
  run_decoder(
      model, token_rows(text.ids, text.length), [&](std::int64_t) { progress.step(); }, tap);
  return maxima;
}

ByName factors_of(const Model& model, double strength, const ByName& inputs) {
  ByName factors;
  for (std::int64_t layer = 0; layer < model.config.layers; ++layer)
    for (const auto& [norm, readers] : model.layout->rotation.norm_readers) {
      const std::string prefix = block_prefix(model, layer);
      Tensor columns;
      for (const std::string& reader : readers) {
        const Tensor own =
            model.tensors->load(prefix + reader + ".weight").to(at::kDouble).abs().amax(0);
        columns = columns.defined() ? at::maximum(columns, own) : own;
      }
      const auto found = inputs.find(prefix + norm);
      require(found != inputs.end(), "method",
              prefix + norm + ": no calibration token reached it; give more text");
      factors[prefix + norm] = detail::smoothing_factors(found->second, columns, strength);
    }
  return factors;
}

/// Multiplies what a norm writes by 1 / s, and the columns that read it by s.
class SmoothedTensors : public TensorSource {
 public:
  SmoothedTensors(const Model& model, const ByName& factors) : stored_(model.tensors) {
    for (std::int64_t layer = 0; layer < model.config.layers; ++layer)
      for (const auto& [norm, readers] : model.layout->rotation.norm_readers) {
        const std::string prefix = block_prefix(model, layer);
        const Tensor& s = factors.at(prefix + norm);
        for (const char* part : {".weight", ".bias"})
          factors_[prefix + norm + part] = 1 / s;
        for (const std::string& reader : readers)
          factors_[prefix + reader + ".weight"] = s;
      }
  }
  bool has(const std::string& name) const override { return stored_->has(name); }
  std::vector<std::string> names() const override { return stored_->names(); }
  std::string stored_type(const std::string& name) const override {
    return stored_->stored_type(name);
  }
  Tensor load(const std::string& name) const override {
    const Tensor tensor = stored_->load(name);
    const auto found = factors_.find(name);
    return found == factors_.end() ? tensor
                                   : (tensor.to(at::kDouble) * found->second).to(at::kFloat);
  }

 private:
  std::shared_ptr<const TensorSource> stored_;
  ByName factors_; // of the last dimension
};

ByName read_factors(const Model& model, const std::filesystem::path& path) {
  const SafetensorsFile file(path);
  ByName factors;
  for (const auto& [name, entry] : file.entries()) {
    factors[name] = file.load(name).clone();
    require(factors[name].dim() == 1 && factors[name].size(0) == model.config.hidden, "method",
            path.string() + ": " + name + " does not fit the model; quantize anew");
  }
  return factors;
}

} // namespace

Model smoothed(const Model& model, double strength, const TokenWindows& calibration,
               const std::filesystem::path& folder, bool quiet) {
  const std::filesystem::path path = folder / "smoothing.safetensors";
  if (!std::filesystem::exists(path)) {
    require(calibration.count > 0, "method",
            "smooth= follows from calibration text; give --calibration FILE");
    const ByName factors = factors_of(model, strength, input_maxima(model, calibration, quiet));
    write_safetensors(path, {factors.begin(), factors.end()});
  }
  const ByName factors = read_factors(model, path);
  for (std::int64_t layer = 0; layer < model.config.layers; ++layer)
    for (const auto& [norm, readers] : model.layout->rotation.norm_readers)
      require(factors.contains(block_prefix(model, layer) + norm), "method",
              path.string() + ": does not fit the model; quantize anew");
  Model result = model;
  result.tensors = std::make_shared<SmoothedTensors>(model, factors);
  return result;
}

namespace detail {

Tensor smoothing_factors(const Tensor& input_maxima, const Tensor& weight_maxima, double strength) {
  const Tensor s = input_maxima.pow(strength) / weight_maxima.clamp_min(1e-5).pow(1 - strength);
  return at::where((input_maxima > 0).logical_and(weight_maxima > 0), s.clamp_min(1e-5),
                   at::ones_like(s));
}

} // namespace detail

} // namespace latticelens
