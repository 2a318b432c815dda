// A model as its files describe it: opened without reading the weights, loaded one block at a time.
#pragma once
#include "model/family.h"
#include "tensor/device.h"
#include <filesystem>
#include <set>

namespace latticelens {

struct Model {
  std::filesystem::path path;
  const Family* family = nullptr;
  Config config;
  std::shared_ptr<const Layout> layout; // of each block
  std::shared_ptr<const TensorSource> tensors;
  Device device = at::kCPU; // where blocks, embedding and head are loaded to, and so run
  /// Called on each block after it is loaded; quantized models install their input functions here.
  std::function<void(Block&)> prepare;
  /// A block that gives the same numbers as load_block's, faster, whose weights need not be there;
  /// absent: there is none.
  std::function<Block(std::int64_t layer)> load_to_run;
};

/// path: a Hugging Face folder or a .gguf file. Errors: neither, unknown architecture, and those of
/// the files.
Model open_plain_model(const std::filesystem::path& path);

/// "model.layers.3."
std::string block_prefix(const Model& model, std::int64_t layer);

/// The weights of one block in fp32, but of the linears in `unread`, by their names in the block.
/// Errors: those of load_weight.
Block load_block(const Model& model, std::int64_t layer, const std::set<std::string>& unread = {});

/// One block that is only run: by load_to_run where our kernels can.
Block load_block_to_run(const Model& model, std::int64_t layer);

/// The embedding's name in the model's files: some tied checkpoints keep it under the head's.
std::string stored_embedding(const Model& model);
Tensor load_embedding(const Model& model); // [vocabulary, hidden]
Norm load_final_norm(const Model& model);
Linear load_head(const Model& model); // [vocabulary, hidden]; the embedding when tied

/// Rows of the table for ids [t]: [1, t, hidden]. Error: an id outside the vocabulary.
Tensor embed(const Tensor& table, const Tensor& ids, const Config& config);

/// x after one block. tap, if any, sees the input of every stage.
Tensor run_block(const Model& model, const Block& block, const Rope& rope,
                 const Tensor& x /*[n, t, d]*/, const Tap& tap = {});

/// Hidden states after the final norm for each window of ids [t]: blocks are loaded once and run
/// over all windows. `each_block(layer)` is called after each block.
std::vector<Tensor> run_decoder(const Model& model, const std::vector<Tensor>& windows,
                                const std::function<void(std::int64_t)>& each_block = {},
                                const Tap& tap = {});

} // namespace latticelens
