// Folders as gpt-oss is published: experts in MXFP4, all else in values (quantization-peers.md
// §6.4).
#include "core/error.h"
#include "model/families/fused_experts.h"
#include "quantize/packed_form.h"
#include <ATen/ATen.h>

namespace latticelens {
namespace {

namespace fused = fused_experts;

bool packs(const std::string& linear) {
  return linear.starts_with(std::string(fused::experts) + ".");
}

PackedTarget choose(const OpenedModel& opened, const std::string& type) {
  const std::string where = opened.model.path.string() + ": ";
  require(opened.model.family->joined == fused::joined, "export",
          where + "only models of the gpt-oss architecture have this form; write the form "
                  "compressed-tensors");
  require(!opened.activations.down_input && !has_input_transforms(opened.settings), "export",
          where + "its method transforms inputs while the model runs, which gpt-oss folders have "
                  "no place for; write the form plain, which folds it back");
  PackedTarget target{parse_format(type.empty() ? stored_format(opened, packs) : type),
                      std::nullopt};
  require(target.weight.base_name() == "mxfp4", "export",
          where + "gpt-oss folders hold experts in mxfp4, not " + target.weight.name +
              "; name --type mxfp4, which rounds, or write the form plain");
  return target;
}

std::string part_name(const std::string& linear, const std::string& end) {
  return linear + ".weight" + end;
}

void add_beside(NamedTensors&, const std::string&, const InputBasis&) {}

/// All experts' parts of one kind [experts, ...], taken out of the block's tensors.
class Parts {
 public:
  Parts(std::map<std::string, Tensor>& tensors, std::string prefix, std::int64_t count)
      : tensors_(tensors), prefix_(std::move(prefix)), count_(count) {}

  Tensor take(const char* linear, const char* end) {
    std::vector<Tensor> all;
    for (std::int64_t e = 0; e < count_; ++e) {
      const std::string name = prefix_ + std::to_string(e) + "." + linear + end;
      const auto found = tensors_.find(name);
      require(found != tensors_.end(), "export", name + ": is missing");
      all.push_back(found->second);
      tensors_.erase(found);
    }
    return at::stack(all);
  }

  Tensor take_pair(const char* end) {
    const Tensor gates = take(fused::gate, end);
    return fused::alternating(gates, take(fused::up, end));
  }

 private:
  std::map<std::string, Tensor>& tensors_;
  std::string prefix_;
  std::int64_t count_;
};

NamedTensors join(NamedTensors block, const OpenedModel& opened, const std::string& block_name) {
  constexpr std::int64_t bytes = 16; // of a block's codes
  const std::string prefix = block_name + fused::experts + ".";
  std::map<std::string, Tensor> tensors(block.begin(), block.end());
  Parts parts(tensors, prefix, opened.model.config.experts);
  const auto in_blocks = [](const Tensor& codes) { return codes.unflatten(-1, {-1, bytes}); };
  NamedTensors joined = {
      {prefix + "gate_up_proj_blocks", in_blocks(parts.take_pair(".weight_packed"))},
      {prefix + "gate_up_proj_scales", parts.take_pair(".weight_scale")},
      {prefix + "gate_up_proj_bias", parts.take_pair(".bias")},
      {prefix + "down_proj_blocks", in_blocks(parts.take(fused::down, ".weight_packed"))},
      {prefix + "down_proj_scales", parts.take(fused::down, ".weight_scale")},
      {prefix + "down_proj_bias", parts.take(fused::down, ".bias")}};
  joined.insert(joined.end(), tensors.begin(), tensors.end());
  return joined;
}

Json config_of(const OpenedModel& opened, const Method& method) {
  Json config = packed_config(opened.model, method, /*seed=*/0);
  config.erase("latticelens");
  config["quantization_config"] = {
      {"quant_method", "mxfp4"},
      {"modules_to_not_convert",
       {"model.layers.*.self_attn", "model.layers.*.mlp.router", "model.embed_tokens", "lm_head"}}};
  return config;
}

} // namespace

const PackedForm& gpt_oss_form() {
  static const PackedForm form{"gpt-oss", choose, part_name, add_beside, config_of, packs, join};
  return form;
}

} // namespace latticelens
