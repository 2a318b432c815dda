// A model's inputs, or its weights, as samples: one block of the model in memory at a time.
#pragma once
#include "analysis/sample.h"
#include "model/model.h"
#include <functional>

namespace latticelens {

struct SamplingRequest {
  const Model& model;
  std::vector<std::int64_t> layers; // ascending, without repetition
  std::int64_t rows = 2048; // of an input or a weight, at equal distances; the paper's figure 5
                            // has 2048 activations
  AnalysisSetting setting;
  /// The gain of a norm belongs to the weights that read it, as in every model whose stream is
  /// rotated (R1): the stage's input is the normed stream itself. False: inputs and weights as the
  /// model has them.
  bool folded_gains = true;
};

/// The layers "0,3,10" means; all when the list is empty. Errors: a number that is no layer.
std::vector<std::int64_t> chosen_layers(const Config& config,
                                        const std::vector<std::int64_t>& wanted);

/// Error: a quantized linear whose inputs the blocks of the format do not divide.
void check_widths(const Model& model, const Format& format);

/// Runs the model over `windows` (token ids [t]) and shows, block by block, what the stages of the
/// layers read. At most `rows` tokens of a stage are held, and the states of one layer; a stage
/// that no token reaches is left out. `each_block(layer)` after each block that was run.
void for_each_input(const SamplingRequest& request, const std::vector<Tensor>& windows,
                    const std::function<void(const Sample&)>& see,
                    const std::function<void(std::int64_t)>& each_block);

/// The same with the linears' weights [out, in] in place of inputs.
void for_each_weight(const SamplingRequest& request, const std::function<void(const Sample&)>& see,
                     const std::function<void(std::int64_t)>& each_block);

/// At most `wanted` rows of x [..., width] at equal distances: [rows, width].
Tensor spread_rows(const Tensor& x, std::int64_t wanted);

} // namespace latticelens
