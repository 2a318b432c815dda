#include "learn/measure_importance.h"

#include "core/error.h"
#include "core/progress.h"
#include "learn/model_end.h"
#include "model/attention.h"
#include "tensor/gradient.h"
#include "tensor/token_rows.h"
#include <ATen/ATen.h>
#include <torch/csrc/autograd/autograd.h>

namespace latticelens {
namespace {

/// Squared gradients by the outputs of one stage: sums over outputs of each token, and over tokens
/// of each output of each linear.
struct Sums {
  Tensor tokens;                         // [t] of the window in hand
  std::map<std::string, Tensor> outputs; // fp64
};

/// A block whose linears add what their outputs' gradients say to `sums`, by stage.
Block watched(const Block& block, const Layout& layout, std::map<std::string, Sums>& sums) {
  Block result = block;
  for (const Stage& stage : layout.stages)
    for (const std::string& name : stage.linears) {
      Linear& linear = result.linears.at(name);
      linear.product = [plain = block.linears.at(name), name,
                        &stage_sums = sums[stage.name]](const Tensor& x) {
        const Tensor y = plain(x);
        const auto backward = [name, &stage_sums](const Tensor& g) {
          const Tensor squares = g.reshape({-1, g.size(-1)}).to(at::kDouble).square();
          const Tensor by_token = squares.sum(1), by_output = squares.t().contiguous().sum(1);
          stage_sums.tokens = stage_sums.tokens.defined() ? stage_sums.tokens + by_token : by_token;
          Tensor& outputs = stage_sums.outputs[name];
          outputs = outputs.defined() ? outputs + by_output : by_output;
          return std::vector<Tensor>{g};
        };
        return with_gradient(y.detach(), {y}, backward);
      };
    }
  return result;
}

class Measurement {
 public:
  Measurement(const Model& model, std::int64_t tokens)
      : model_(model), embedding_(load_embedding(model)), end_(model, TextLoss::cross_entropy),
        rope_(make_rope(model.config, tokens)) {
    for (std::int64_t layer = 0; layer < model.config.layers; ++layer)
      blocks_.push_back(load_block(model, layer));
    sums_.resize(blocks_.size());
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
      for (auto& [stage, sums] : sums_[layer]) {
        tokens_[block_prefix(model_, static_cast<std::int64_t>(layer)) + stage].push_back(
            sums.tokens);
        sums.tokens = Tensor();
      }
    }
  }

  Importance result() const {
    Importance importance;
    for (std::size_t layer = 0; layer < blocks_.size(); ++layer)
      for (const Stage& stage : model_.layout->stages) {
        const std::string place =
            block_prefix(model_, static_cast<std::int64_t>(layer)) + stage.name;
        std::vector<Tensor> outputs;
        for (const std::string& name : stage.linears)
          outputs.push_back(sums_[layer].at(stage.name).outputs.at(name));
        importance.set(place, {at::stack(tokens_.at(place)), at::cat(outputs)});
      }
    return importance;
  }

 private:
  const Model& model_;
  Tensor embedding_;
  ModelEnd end_;
  Rope rope_;
  std::vector<Block> blocks_;
  std::vector<std::map<std::string, Sums>> sums_;
  std::map<std::string, std::vector<Tensor>> tokens_; // of each window
};

void check_stages(const Model& model) {
  for (const Stage& stage : model.layout->stages)
    require(!stage.everywhere, "method",
            "importance=gradient: only some tokens reach " + stage.name + " of family " +
                model.family->name + "; leave it out");
}

} // namespace

Importance measure_importance(const QuantizeRequest& request, const std::filesystem::path& folder) {
  const std::filesystem::path path = folder / "importance.safetensors";
  if (std::filesystem::exists(path))
    return Importance(path);
  check_stages(request.model);
  const TokenWindows& text = request.calibration;
  Measurement measurement(request.model, text.length);
  Progress progress("measure importance, window", text.count, request.quiet);
  for (const Tensor& ids : token_rows(text.ids, text.length)) {
    measurement.add(ids.unsqueeze(0));
    progress.step();
  }
  const Importance importance = measurement.result();
  importance.write(path);
  return importance;
}

} // namespace latticelens
