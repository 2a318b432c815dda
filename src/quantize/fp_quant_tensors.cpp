#include "quantize/fp_quant_tensors.h"

#include "core/error.h"
#include "formats/packing.h"
#include "transforms/hadamard_matrix.h"
#include <ATen/ATen.h>
#include <cmath>

namespace latticelens {
namespace {

constexpr std::string_view weight_end = ".weight", packed_end = ".weight_packed",
                           scale_end = ".weight_scale", transform_end = ".input_transform";

std::string without(const std::string& name, std::string_view end) {
  return name.substr(0, name.size() - end.size());
}

class FpQuantTensors : public TensorSource {
 public:
  FpQuantTensors(std::shared_ptr<const TensorSource> stored, const Model& model,
                 std::int64_t group_size)
      : stored_(std::move(stored)), size_(group_size) {
    if (size_ == 0)
      return;
    for (std::int64_t layer = 0; layer < model.config.layers; ++layer)
      for (const Stage& stage : model.layout->stages) {
        const std::string prefix = block_prefix(model, layer), first = stage.linears.front();
        transforms_[prefix + stage.name + std::string(transform_end)] = {
            prefix + first, shape_of(*model.layout, first).in};
      }
  }

  bool has(const std::string& name) const override {
    return stored_->has(name) || !part_of(name).empty() || transforms_.contains(name) ||
           (name.ends_with(weight_end) && holds_values(without(name, weight_end)));
  }

  Tensor load(const std::string& name) const override {
    if (const auto found = transforms_.find(name); found != transforms_.end())
      return transform(found->second);
    if (const std::string part = part_of(name); !part.empty())
      return stored_->load(part);
    if (!stored_->has(name) && name.ends_with(weight_end) &&
        holds_values(without(name, weight_end)))
      return values(without(name, weight_end));
    return stored_->load(name);
  }

  std::vector<std::string> names() const override { return stored_->names(); }
  std::string stored_type(const std::string& name) const override {
    return stored_->has(name) ? stored_->stored_type(name) : "MXFP4";
  }
  void release_pages() const override { stored_->release_pages(); }

 private:
  struct Rotated {
    std::string linear;
    std::int64_t in;
  };

  /// The stored name of a part; empty: there is none such, or it has a factor.
  std::string part_of(const std::string& name) const {
    if (name.ends_with(packed_end) && is_plain(without(name, packed_end)))
      return without(name, packed_end) + ".qweight";
    if (name.ends_with(scale_end) && is_plain(without(name, scale_end)))
      return without(name, scale_end) + ".scales";
    return "";
  }

  float factor(const std::string& linear) const {
    const std::string name = linear + ".weight_global_scale";
    const Tensor scale = stored_->load(name);
    const float value = scale.numel() == 1 ? scale.to(at::kFloat).item<float>() : 0;
    require(std::isfinite(value) && value > 0, "model", name + ": is no positive number");
    return value;
  }

  bool is_plain(const std::string& linear) const {
    return stored_->has(linear + ".qweight") && factor(linear) == 1;
  }

  bool holds_values(const std::string& linear) const {
    return stored_->has(linear + ".dqweight") ||
           (stored_->has(linear + ".qweight") && !is_plain(linear));
  }

  Tensor values(const std::string& linear) const {
    if (stored_->has(linear + ".dqweight"))
      return stored_->load(linear + ".dqweight");
    const PackedWeight parts = {{"_packed", stored_->load(linear + ".qweight")},
                                {"_scale", stored_->load(linear + ".scales")}};
    return grid_packing().unpack(parts_of(parts), parse_format("mxfp4"), linear).values /
           factor(linear);
  }

  Tensor transform(const Rotated& input) const {
    const std::string name = input.linear + ".forward_hadamard_matrix";
    const Tensor matrix = stored_->load(name);
    require(at::equal(matrix.to(at::kBFloat16), fp_quant_rotation(size_)), "model",
            name + ": is another matrix than Hadamard's of " + std::to_string(size_) +
                "; not supported");
    const Tensor exact =
        (hadamard_matrix(size_) / std::sqrt(static_cast<double>(size_))).to(at::kFloat);
    return exact.expand({input.in / size_, size_, size_}).contiguous();
  }

  std::shared_ptr<const TensorSource> stored_;
  std::int64_t size_;
  std::map<std::string, Rotated> transforms_;
};

} // namespace

Tensor fp_quant_rotation(std::int64_t size) {
  return (hadamard_matrix(size) / std::sqrt(static_cast<double>(size))).to(at::kBFloat16);
}

Method fp_quant_method(const Json& quantization, const std::string& where) {
  const auto dtype = member_or<std::string>(quantization, "forward_dtype", "mxfp4", where);
  const auto size = member_or<std::int64_t>(quantization, "hadamard_group_size", 32, where);
  const auto transform = member_or<std::string>(quantization, "transform_init", "hadamard", where);
  require(
      dtype == "mxfp4" && (size == 32 || size == 64 || size == 128) &&
          (transform == "hadamard" || transform == "identity") &&
          !member_or<bool>(quantization, "store_master_weights", false, where),
      "model",
      where + ": an fp_quant folder with forward_dtype " + dtype + ", transform_init " + transform +
          " and groups of " + std::to_string(size) +
          " is not supported; known: mxfp4 without master weights, hadamard or identity, 32, 64 "
          "or 128");
  return parse_method("weight=mxfp4" + (transform == "hadamard"
                                            ? " rotate=hadamard:" + std::to_string(size) + "@inputs"
                                            : std::string()));
}

std::shared_ptr<const TensorSource> fp_quant_tensors(const Model& model, std::int64_t group_size) {
  return std::make_shared<FpQuantTensors>(model.tensors, model, group_size);
}

} // namespace latticelens
