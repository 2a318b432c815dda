#include "learn/measure_importance.h"

#include "core/progress.h"
#include "learn/model_end.h"
#include "model/attention.h"
#include "tensor/gradient.h"
#include "tensor/token_rows.h"
#include <ATen/ATen.h>
#include <torch/csrc/autograd/autograd.h>

namespace latticelens {
namespace {

/// Squared gradients by the outputs of one stage, fp64, all made at the start: small tensors that
/// outlive a window would lie between what it frees.
struct Sums {
  Tensor tokens;                         // [windows, t], those that reach the stage come first
  std::map<std::string, Tensor> outputs; // by linear, [out]
  std::int64_t window = 0;               // in hand

  void add(const std::string& linear, const Tensor& gradient) {
    const Tensor squares = gradient.reshape({-1, gradient.size(-1)}).to(at::kDouble).square();
    tokens[window].narrow(0, 0, squares.size(0)).add_(squares.sum(1));
    outputs.at(linear).add_(squares.t().contiguous().sum(1));
  }

  /// Of a stage, its linears' outputs one after the other. Which tokens reach an expert depends on
  /// the weights before it, so there all tokens count alike.
  StageImportance of(const Stage& stage) const {
    std::vector<Tensor> parts;
    for (const std::string& name : stage.linears)
      parts.push_back(outputs.at(name));
    const Tensor all = at::cat(parts), seen = tokens.masked_select(tokens > 0);
    const double typical = seen.numel() > 0 ? seen.median().item<double>() : 0;
    return {stage.everywhere ? Tensor() : tokens, all, typical / static_cast<double>(all.numel())};
  }
};
using SumsOfBlock = std::map<std::string, Sums>; // by stage

/// A block whose linears add what their outputs' gradients say to `sums`.
Block watched(const Block& block, const Layout& layout, SumsOfBlock& sums) {
  Block result = block;
  for (const Stage& stage : layout.stages)
    for (const std::string& name : stage.linears)
      result.linears.at(name).product = [plain = block.linears.at(name), name,
                                         &of_stage = sums.at(stage.name)](const Tensor& x) {
        const Tensor y = plain(x);
        return with_gradient(y.detach(), {y}, [name, &of_stage](const Tensor& g) {
          of_stage.add(name, g);
          return std::vector<Tensor>{g};
        });
      };
  return result;
}

class Measurement {
 public:
  Measurement(const Model& model, const TokenWindows& text)
      : model_(model), embedding_(load_embedding(model)), end_(model, TextLoss::cross_entropy),
        rope_(make_rope(model.config, text.length)) {
    for (std::int64_t layer = 0; layer < model.config.layers; ++layer) {
      blocks_.push_back(load_block(model, layer));
      SumsOfBlock& sums = sums_.emplace_back();
      for (const Stage& stage : model.layout->stages) {
        Sums& own = sums[stage.name];
        own.tokens = at::zeros({text.count, text.length}, at::kDouble);
        for (const std::string& name : stage.linears)
          own.outputs[name] =
              at::zeros({blocks_.back().linears.at(name).weight.size(0)}, at::kDouble);
      }
    }
  }

  void add(const Tensor& ids /*[1, t]*/) {
    std::vector<Tensor> streams = {embedded(embedding_, ids, nullptr, model_.config)};
    for (const Block& block : blocks_)
      streams.push_back(run_block(model_, block, rope_, streams.back()));
    Tensor gradient = end_.at(streams.back(), nullptr, ids).of_stream;
    for (std::size_t layer = blocks_.size(); layer-- > 0;) {
      const Tensor x = streams[layer].detach().requires_grad_();
      const Block block = watched(blocks_[layer], *model_.layout, sums_[layer]);
      gradient =
          torch::autograd::grad({run_block(model_, block, rope_, x)}, {x}, {gradient}).front();
      for (auto& [stage, sums] : sums_[layer])
        ++sums.window;
    }
  }

  Importance result() const {
    Importance importance;
    for (std::size_t layer = 0; layer < blocks_.size(); ++layer)
      for (const Stage& stage : model_.layout->stages)
        importance.set(block_prefix(model_, static_cast<std::int64_t>(layer)) + stage.name,
                       sums_[layer].at(stage.name).of(stage));
    return importance;
  }

 private:
  const Model& model_;
  Tensor embedding_;
  ModelEnd end_;
  Rope rope_;
  std::vector<Block> blocks_;
  std::vector<SumsOfBlock> sums_;
};

} // namespace

Importance measure_importance(const QuantizeRequest& request, const std::filesystem::path& folder) {
  const std::filesystem::path path = folder / "importance.safetensors";
  if (std::filesystem::exists(path))
    return Importance(path);
  const TokenWindows& text = request.calibration;
  Measurement measurement(request.model, text);
  Progress progress("measure importance", "windows", text.count, request.quiet);
  for (const Tensor& ids : token_rows(text.ids, text.length)) {
    measurement.add(ids.unsqueeze(0));
    progress.step();
  }
  const Importance importance = measurement.result();
  importance.write(path);
  return importance;
}

} // namespace latticelens
