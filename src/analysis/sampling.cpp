#include "analysis/sampling.h"

#include "core/error.h"
#include <ATen/ATen.h>
#include <algorithm>
#include <set>

namespace latticelens {
namespace {

bool reads_values(const Layout& layout, const Stage& stage) {
  return std::find(stage.linears.begin(), stage.linears.end(), layout.rotation.value_reader) !=
         stage.linears.end();
}

std::string position_of(const Layout& layout, const Stage& stage) {
  for (const OnlineInput& down : layout.rotation.down)
    if (down.stage == stage.name)
      return "R4";
  return reads_values(layout, stage) ? "R2" : "R1";
}

/// The norm whose result the stage reads and whose gain is to be folded; null: none.
const Norm* folded_norm(const SamplingRequest& request, const Block& block, const Stage& stage) {
  for (const auto& [norm, readers] : request.model.layout->rotation.norm_readers)
    if (request.folded_gains &&
        std::find(readers.begin(), readers.end(), stage.linears.front()) != readers.end())
      return &block.norms.at(norm);
  return nullptr;
}

/// A stage's input as it is without the norm's gain and bias; channels with gain 0 are 0.
Tensor without_gain(const Tensor& x, const Norm* norm) {
  if (norm == nullptr)
    return x;
  const Tensor centred = norm->bias.defined() ? x - norm->bias : x;
  return at::where(norm->gain == 0, 0.0f, centred / norm->gain);
}

/// A weight that reads the stage, with the norm's gain if it is folded.
Tensor with_gain(const Tensor& weight, const Norm* norm) {
  return norm == nullptr ? weight : weight * norm->gain;
}

/// The weights that read a stage's input, one below the other.
Tensor readers_of(const Block& block, const Stage& stage, const Norm* norm) {
  std::vector<Tensor> weights;
  for (const std::string& linear : stage.linears)
    weights.push_back(with_gain(block.linears.at(linear).weight, norm));
  return at::cat(weights);
}

/// Rows of one block's inputs, gathered window by window.
class Gathered {
 public:
  Gathered(const SamplingRequest& request, std::size_t windows)
      : request_(request), of_window_((request.rows + static_cast<std::int64_t>(windows) - 1) /
                                      static_cast<std::int64_t>(windows)),
        wanted_(request.layers.begin(), request.layers.end()) {
    for (const std::int64_t layer : request.layers)
      for (const Stage& stage : request.model.layout->stages)
        places_[block_prefix(request.model, layer) + stage.name] = stage.name;
  }

  void keep(std::string_view place, const Tensor& input) {
    const auto found = places_.find(place);
    if (found != places_.end() && input.numel() > 0)
      rows_[found->second].push_back(spread_rows(input, of_window_));
  }

  void show(std::int64_t layer, const std::function<void(const Sample&)>& see) {
    if (wanted_.contains(layer)) {
      const Block block = load_block(request_.model, layer);
      for (const Stage& stage : request_.model.layout->stages)
        if (rows_.contains(stage.name))
          see(sample_of(block, stage));
    }
    rows_.clear();
  }

 private:
  Sample sample_of(const Block& block, const Stage& stage) const {
    const Norm* norm = folded_norm(request_, block, stage);
    const Tensor rows = at::cat(rows_.at(stage.name)).narrow_copy(0, 0, count(stage.name));
    return Sample({block.layer, stage.name, position_of(*request_.model.layout, stage)},
                  without_gain(rows, norm), request_.setting, readers_of(block, stage, norm));
  }
  std::int64_t count(const std::string& stage) const {
    std::int64_t rows = 0;
    for (const Tensor& part : rows_.at(stage))
      rows += part.size(0);
    return std::min(rows, request_.rows);
  }

  const SamplingRequest& request_;
  std::int64_t of_window_;
  std::set<std::int64_t> wanted_;
  std::map<std::string, std::string, std::less<>> places_;
  std::map<std::string, std::vector<Tensor>> rows_; // by stage
};

} // namespace

Tensor spread_rows(const Tensor& x, std::int64_t wanted) {
  const Tensor rows = x.reshape({-1, x.size(-1)});
  const std::int64_t count = rows.size(0);
  if (count <= wanted)
    return rows.clone();
  return rows.index_select(0, at::arange(wanted, at::kLong).mul(count).div(wanted, "floor"));
}

std::vector<std::int64_t> chosen_layers(const Config& config,
                                        const std::vector<std::int64_t>& wanted) {
  std::set<std::int64_t> layers(wanted.begin(), wanted.end());
  for (std::int64_t layer = 0; wanted.empty() && layer < config.layers; ++layer)
    layers.insert(layer);
  for (const std::int64_t layer : layers)
    require(layer >= 0 && layer < config.layers, "analyse",
            "layer " + std::to_string(layer) + " does not exist; the model has layers 0 to " +
                std::to_string(config.layers - 1));
  return {layers.begin(), layers.end()};
}

void check_widths(const Model& model, const Format& format) {
  require(format.block > 0, "analyse",
          format.name + " has a scale for a whole row, and these analyses are of blocks; choose a "
                        "format with blocks, as in --format bint4");
  for (const LinearShape& linear : model.layout->linears)
    require(!in_a_stage(*model.layout, linear.name) || linear.in % format.block == 0, "analyse",
            "blocks of " + std::to_string(format.block) + " do not divide the " +
                std::to_string(linear.in) + " inputs of " + linear.name +
                "; choose another block, as in --format mxfp4:16");
}

void for_each_input(const SamplingRequest& request, const std::vector<Tensor>& windows,
                    const std::function<void(const Sample&)>& see,
                    const std::function<void(std::int64_t)>& each_block) {
  Model model = request.model;
  model.config.layers = request.layers.back() + 1; // nothing behind them is asked for
  Gathered gathered(request, windows.size());
  run_decoder(
      model, windows,
      [&](std::int64_t layer) {
        gathered.show(layer, see);
        each_block(layer);
      },
      [&](std::string_view place, const Tensor& input) { gathered.keep(place, input); });
}

void for_each_weight(const SamplingRequest& request, const std::function<void(const Sample&)>& see,
                     const std::function<void(std::int64_t)>& each_block) {
  for (const std::int64_t layer : request.layers) {
    const Block block = load_block(request.model, layer);
    for (const Stage& stage : request.model.layout->stages) {
      const Norm* norm = folded_norm(request, block, stage);
      for (const std::string& linear : stage.linears)
        see(Sample({layer, linear, position_of(*request.model.layout, stage), true},
                   spread_rows(with_gain(block.linears.at(linear).weight, norm), request.rows),
                   request.setting));
    }
    each_block(layer);
  }
}

} // namespace latticelens
