// Models in llama2.c's own file format, rewritten as Hugging Face folders, against the logits of
// its run.c.
#include "core/error.h"
#include "model/model.h"
#include "tensor/safetensors.h"
#include "tests/support.h"
#include <ATen/ATen.h>
#include <cmath>
#include <cstring>

namespace latticelens {
namespace {

namespace fs = std::filesystem;

/// The fp32 arrays of a llama2.c checkpoint, in their order.
class Llama2cFile {
 public:
  explicit Llama2cFile(const fs::path& path) : bytes_(read_text(path)) {
    std::memcpy(header, bytes_.data(), sizeof header);
  }
  Tensor take(at::IntArrayRef shape) {
    Tensor tensor = at::empty(shape, at::kFloat);
    std::memcpy(tensor.mutable_data_ptr(), bytes_.data() + at_, tensor.nbytes());
    at_ += tensor.nbytes();
    return tensor;
  }
  std::int32_t header[7]; // dim, hidden, layers, heads, key-value heads, vocabulary (negative:
                          // untied), positions

 private:
  std::string bytes_;
  std::size_t at_ = sizeof header;
};

/// llama2.c rotates neighbouring dimensions, Hugging Face the two halves of a head.
Tensor halves(const Tensor& weight, std::int64_t heads) {
  return weight.view({heads, -1, 2, weight.size(1)}).transpose(1, 2).reshape(weight.sizes());
}

void write_as_folder(Llama2cFile& file, const fs::path& folder) {
  const std::int64_t dim = file.header[0], hidden = file.header[1], layers = file.header[2],
                     heads = file.header[3], kv_heads = file.header[4];
  const std::int64_t vocabulary = std::abs(file.header[5]), kv = dim / heads * kv_heads;
  std::vector<std::pair<std::string, Tensor>> weights = {
      {"model.embed_tokens.weight", file.take({vocabulary, dim})}};
  const auto add = [&](const std::string& name, const Tensor& stacked,
                       std::int64_t rotary_heads = 0) {
    for (std::int64_t layer = 0; layer < layers; ++layer)
      weights.emplace_back("model.layers." + std::to_string(layer) + "." + name + ".weight",
                           rotary_heads ? halves(stacked[layer], rotary_heads) : stacked[layer]);
  };
  add("input_layernorm", file.take({layers, dim}));
  add("self_attn.q_proj", file.take({layers, dim, dim}), heads);
  add("self_attn.k_proj", file.take({layers, kv, dim}), kv_heads);
  add("self_attn.v_proj", file.take({layers, kv, dim}));
  add("self_attn.o_proj", file.take({layers, dim, dim}));
  add("post_attention_layernorm", file.take({layers, dim}));
  add("mlp.gate_proj", file.take({layers, hidden, dim}));
  add("mlp.down_proj", file.take({layers, dim, hidden}));
  add("mlp.up_proj", file.take({layers, hidden, dim}));
  weights.emplace_back("model.norm.weight", file.take({dim}));
  const Json config = {{"model_type", "llama"},
                       {"vocab_size", vocabulary},
                       {"hidden_size", dim},
                       {"intermediate_size", hidden},
                       {"num_hidden_layers", layers},
                       {"num_attention_heads", heads},
                       {"num_key_value_heads", kv_heads},
                       {"rms_norm_eps", 1e-5},
                       {"tie_word_embeddings", file.header[5] > 0}};
  write_text(folder / "config.json", config.dump());
  write_safetensors(folder / "model.safetensors", weights);
}

class Llama2c : public ::testing::TestWithParam<std::tuple<const char*, const char*, double>> {};

TEST_P(Llama2c, gives_the_logits_and_the_loss_of_run_c) {
  const auto& [name, checkpoint, expected_loss] = GetParam();
  REQUIRE_DATA(checkpoint);
  const testing::TemporaryFolder folder;
  Llama2cFile file(testing::data_folder() / checkpoint);
  write_as_folder(file, folder.path());
  const fs::path reference = testing::data_folder() / "reference/llama2c";
  std::string tokens = read_text(reference / (std::string(name) + ".tokens.i32")),
              logits = read_text(reference / (std::string(name) + ".logits.f32"));
  const auto count = static_cast<std::int64_t>(tokens.size() / 4);
  const Tensor ids = at::from_blob(tokens.data(), {count}, at::kInt).to(at::kLong);
  const Tensor expected = at::from_blob(logits.data(), {count, 512}, at::kFloat);
  const Model model = open_plain_model(folder.path());
  const Tensor actual = load_head(model)(run_decoder(model, {ids})[0]);
  EXPECT_LE((actual - expected).abs().max().item<double>(), 2e-4);
  const Tensor log_p =
      at::log_softmax(actual.slice(0, 0, -1), -1).gather(1, ids.slice(0, 1).unsqueeze(1));
  EXPECT_NEAR(-log_p.mean().item<double>(), expected_loss, 1e-4);
}

INSTANTIATE_TEST_SUITE_P(
    Checkpoints, Llama2c,
    ::testing::Values(std::tuple("stories260K", "models/stories260K/stories260K.bin", 0.434016860),
                      std::tuple("llama2xs", "models/llama2xs/model.bin", 0.809880975)));

} // namespace
} // namespace latticelens
