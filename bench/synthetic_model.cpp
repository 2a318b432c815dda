#include "bench/synthetic_model.h"

#include "core/error.h"
#include "tensor/sharded_writer.h"
#include "tests/tiny_model.h"
#include <ATen/ATen.h>
#include <cmath>

namespace latticelens {
namespace {

constexpr std::int64_t hidden = 1536, intermediate = 8960, heads = 12, key_value_heads = 2,
                       head_dimension = 128, vocabulary = 151936, shard_size = 1'000'000'000,
                       values_at_once = 1 << 22;

Json config_of(std::int64_t layers) {
  return {{"architectures", {"LlamaForCausalLM"}},
          {"model_type", "llama"},
          {"hidden_act", "silu"},
          {"vocab_size", vocabulary},
          {"hidden_size", hidden},
          {"intermediate_size", intermediate},
          {"num_hidden_layers", layers},
          {"num_attention_heads", heads},
          {"num_key_value_heads", key_value_heads},
          {"head_dim", head_dimension},
          {"rms_norm_eps", 1e-6},
          {"rope_theta", 1000000.0},
          {"tie_word_embeddings", true},
          {"max_position_embeddings", 4096}};
}

std::vector<TensorLayout> plan_of(std::int64_t layers) {
  std::vector<TensorLayout> plan;
  const auto add = [&](const std::string& name, std::vector<std::int64_t> shape) {
    plan.push_back({name + ".weight", at::kBFloat16, std::move(shape)});
  };
  add("model.embed_tokens", {vocabulary, hidden});
  for (std::int64_t layer = 0; layer < layers; ++layer) {
    const std::string prefix = "model.layers." + std::to_string(layer) + ".";
    add(prefix + "input_layernorm", {hidden});
    add(prefix + "post_attention_layernorm", {hidden});
    add(prefix + "self_attn.q_proj", {heads * head_dimension, hidden});
    add(prefix + "self_attn.k_proj", {key_value_heads * head_dimension, hidden});
    add(prefix + "self_attn.v_proj", {key_value_heads * head_dimension, hidden});
    add(prefix + "self_attn.o_proj", {hidden, heads * head_dimension});
    add(prefix + "mlp.gate_proj", {intermediate, hidden});
    add(prefix + "mlp.up_proj", {intermediate, hidden});
    add(prefix + "mlp.down_proj", {hidden, intermediate});
  }
  add("model.norm", {hidden});
  return plan;
}

/// Gains near 1, matrices that keep a vector's length.
Tensor random_rows(const TensorLayout& layout, std::int64_t rows) {
  std::vector<std::int64_t> shape = layout.shape;
  shape.front() = rows;
  if (shape.size() == 1)
    return 1 + 0.1 * at::randn(shape, at::kFloat);
  return at::randn(shape, at::kFloat) / std::sqrt(static_cast<double>(shape.back()));
}

} // namespace

void write_synthetic_model(const std::filesystem::path& folder, std::int64_t layers) {
  require(!std::filesystem::exists(folder) || std::filesystem::is_empty(folder), "bench",
          folder.string() + ": exists and is not empty; choose another folder");
  make_directory(folder);
  at::manual_seed(7);
  const std::vector<TensorLayout> plan = plan_of(layers);
  ShardedWriter writer(folder, plan, shard_size);
  for (const TensorLayout& layout : plan) {
    const std::int64_t rows = layout.shape.front(),
                       width = layout.shape.size() > 1 ? layout.shape.back() : 1,
                       step = values_at_once / width;
    for (std::int64_t first = 0; first < rows; first += step)
      writer.add(layout.name, random_rows(layout, std::min(step, rows - first)).to(at::kBFloat16));
  }
  writer.commit();
  testing::write_tiny_tokenizer(folder, testing::tiny_vocabulary());
  write_text(folder / "config.json", config_of(layers).dump(2) + "\n");
}

} // namespace latticelens
