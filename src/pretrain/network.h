// A model in memory while it is trained: all weights in fp32, by their names in a Hugging Face
// folder.
#pragma once
#include "model/model.h"
#include "pretrain/recipe.h"

namespace latticelens {

struct Network {
  Model model; // its shape; it has no files
  Tensor embedding;
  std::vector<Block> blocks;
  Norm norm;
};

struct Parameter {
  std::string name;
  Tensor* value;
  bool is_matrix = true; // else a norm's gain
};

/// In the order of the files; they point into the network.
std::vector<Parameter> parameters_of(Network& network);

/// Drawn from the seed: matrices normal with deviation 0.02, those that write to the stream
/// narrower by the root of how many there are, so that the stream's size does not grow with depth
/// (Radford et al. 2019); gains 1.
Network initial_network(const Recipe& recipe);

/// Every weight, embedding and gain.
std::int64_t parameter_count(Network& network);

} // namespace latticelens
