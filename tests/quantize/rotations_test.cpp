// Folding changes of basis leaves every family's function unchanged.
#include "core/error.h"
#include "quantize/activations.h"
#include "quantize/choose_rotations.h"
#include "quantize/rotations.h"
#include "quantize/shards.h"
#include "quantize/smoothing.h"
#include "tensor/safetensors.h"
#include "tests/family_oracles.h"
#include "tests/tiny_family.h"
#include "tests/tiny_model.h"
#include "transforms/orthogonal.h"
#include <cmath>

namespace latticelens {
namespace {

namespace fs = std::filesystem;

class Memory : public TensorSource {
 public:
  std::map<std::string, Tensor> tensors;
  bool has(const std::string& name) const override { return tensors.contains(name); }
  Tensor load(const std::string& name) const override { return tensors.at(name); }
  std::vector<std::string> names() const override { return {}; }
  std::string stored_type(const std::string&) const override { return "F32"; }
};

Tensor logits(const Model& model, const Tensor& ids) {
  return load_head(model)(run_decoder(model, {ids})[0]);
}

Model folded(const Model& model, const std::string& transforms, std::uint64_t seed) {
  const Method method = parse_method("weight=mxfp4 kv=int8 rotate=" + transforms);
  const testing::TemporaryFolder folder;
  std::vector<TokenId> ids;
  for (std::int64_t i = 0; i < 256; ++i)
    ids.push_back(static_cast<TokenId>(i * 17 % model.config.vocabulary));
  TimeTable times;
  const auto rotations = std::make_shared<Rotations>(
      choose_rotations({.model = model,
                        .method = method,
                        .calibration = {.ids = ids, .count = 4, .length = 64},
                        .seed = seed,
                        .quiet = true},
                       folder.path(), times));
  Model result = model;
  auto memory = std::make_shared<Memory>();
  const OuterWeights outer = fold_outer(model, *rotations);
  if (outer.head.weight.defined())
    result.config.tied = false;
  if (rotations->residual)
    result.config.layer_norm = false;
  NamedTensors tensors = outer_tensors(outer, model.family->names);
  for (std::int64_t layer = 0; layer < model.config.layers; ++layer) {
    Block block = load_block(model, layer);
    fold_block(block, *rotations, model);
    const std::string prefix = block_prefix(model, layer);
    for (const auto& [name, linear] : block.linears)
      add_linear(tensors, prefix + name, linear);
    for (const auto& [name, norm] : block.norms)
      add_norm(tensors, prefix + name, norm);
  }
  memory->tensors.insert(tensors.begin(), tensors.end());
  result.tensors = memory;
  result.prepare = [rotations, layout = model.layout](Block& block) {
    install_activations(
        block, *layout,
        {.down_input = rotations->down_input, .query_key = rotations->query_key}); // kv=none
  };
  return result;
}

const std::vector<std::string> block_rotations = {
    "hadamard:16@residual",
    "hadamard:2@value_output",
    "hadamard@value_output",
    "hadamard:8@down_input",
    "hadamard:16@residual,hadamard@value_output,hadamard:4@down_input",
    "hadamard:8@residual,aware:4@value_output",
    "aware@value_output",
    "separated:16@residual",
    "separated:8@residual,aware:4@value_output,hadamard:4@down_input",
    "hadamard@query_key",
    "hadamard:8@query_key",
    "hadamard:16@residual,hadamard:16@value_output,hadamard:16@query_key"};
const std::vector<std::string> full_rotations = {"hadamard@residual", "hadamard@down_input"};

void expect_same_function(const Model& model, const std::vector<std::string>& rotations) {
  const Tensor ids = at::arange(48, at::kLong) * 31 % model.config.vocabulary;
  const Tensor expected = logits(model, ids);
  for (const std::string& transforms : rotations) {
    const Tensor actual = logits(folded(model, transforms, 3), ids);
    EXPECT_LE((actual - expected).abs().max().item<double>(), 5e-4) << transforms;
  }
}

TokenWindows one_window(const Tensor& ids /*[t]*/) {
  TokenWindows text{.count = 1, .length = ids.numel()};
  for (std::int64_t i = 0; i < ids.numel(); ++i)
    text.ids.push_back(static_cast<TokenId>(ids[i].item<std::int64_t>()));
  return text;
}

TEST(ChosenRotations, a_file_that_lacks_a_layer_is_an_error) {
  REQUIRE_DATA("oracles/families/llama-gqa-untied");
  const Model model = open_plain_model(testing::family_oracle("llama-gqa-untied"));
  const testing::TemporaryFolder folder;
  write_safetensors(folder / "rotations.safetensors", {{"other", at::ones({1})}});
  TimeTable times;
  const QuantizeRequest request{.model = model,
                                .method = parse_method("weight=mxfp4 rotate=aware@value_output"),
                                .quiet = true};
  EXPECT_ERROR(choose_rotations(request, folder.path(), times), "value_output.0 is missing");
}

TEST(ChosenRotations, the_separated_stream_is_orthogonal_and_read_back) {
  REQUIRE_DATA("oracles/families/llama-gqa-untied");
  const Model model = open_plain_model(testing::family_oracle("llama-gqa-untied"));
  const Tensor ids = at::arange(64, at::kLong) * 29 % model.config.vocabulary;
  const TokenWindows text = one_window(ids);
  const testing::TemporaryFolder folder;
  const auto choose = [&](const TokenWindows& calibration) {
    TimeTable times;
    const QuantizeRequest request{.model = model,
                                  .method =
                                      parse_method("weight=mxfp4 rotate=separated:8@residual"),
                                  .calibration = calibration,
                                  .quiet = true};
    return matrices_of(*choose_rotations(request, folder.path(), times).residual,
                       model.config.hidden, model.config.hidden);
  };
  const Tensor chosen = choose(text);
  EXPECT_LT(orthogonality_error(chosen), 1e-9);
  EXPECT_TRUE(at::equal(choose({}), chosen)) << "the file has it: no text is needed";
  EXPECT_GT(at::count_nonzero(chosen.abs() > 1e-6).item<std::int64_t>(), 8 * model.config.hidden)
      << "more than block Hadamard matrices";
  write_safetensors(folder / "rotations.safetensors",
                    {{"residual", at::ones({1, 8, 8}, at::kDouble)}});
  EXPECT_ERROR(choose({}), "does not fit the model");
}

TEST(StreamReaders, channels_that_carry_most_of_a_token_stay_in_their_block) {
  REQUIRE_DATA("oracles/families/llama-gqa-untied");
  Model model = open_plain_model(testing::family_oracle("llama-gqa-untied"));
  auto changed = std::make_shared<Memory>();
  for (const std::string& name : model.tensors->names())
    changed->tensors[name] = model.tensors->load(name);
  const std::int64_t channel = 5, size = 8;
  changed->tensors["model.embed_tokens.weight"] =
      changed->tensors["model.embed_tokens.weight"].clone();
  changed->tensors["model.embed_tokens.weight"][7][channel] = 1000; // of one token
  model.tensors = changed;
  const TokenWindows text = one_window(at::arange(64, at::kLong) % model.config.vocabulary);
  const testing::TemporaryFolder folder;
  TimeTable times;
  const Method method = parse_method("weight=mxfp4 rotate=separated:8@residual");
  const QuantizeRequest request{
      .model = model, .method = method, .calibration = text, .quiet = true};
  const Tensor chosen = matrices_of(*choose_rotations(request, folder.path(), times).residual,
                                    model.config.hidden, model.config.hidden)[0];
  for (std::int64_t i = 0; i < model.config.hidden; ++i)
    EXPECT_NEAR(chosen[channel][i].abs().item<double>(), i < size ? 1 / std::sqrt(8.0) : 0, 1e-9);
}

TEST(Smoothing, keeps_the_function_and_makes_maxima_of_inputs_and_weights_alike) {
  REQUIRE_DATA("oracles/families/llama-gqa-untied");
  for (const std::string& name : testing::family_oracles()) {
    const Model model = open_plain_model(testing::family_oracle(name));
    const Tensor ids = at::arange(48, at::kLong) * 31 % model.config.vocabulary;
    const TokenWindows text = one_window(ids);
    const testing::TemporaryFolder folder;
    const Model other = smoothed(model, 0.5, text, folder.path(), true);
    EXPECT_LE((logits(other, ids) - logits(model, ids)).abs().max().item<double>(), 5e-4) << name;
    const std::string norm = block_prefix(model, 0) + "input_layernorm.weight";
    EXPECT_FALSE(at::equal(other.tensors->load(norm), model.tensors->load(norm))) << name;
  }
  const Tensor s = detail::smoothing_factors(at::tensor({8.0, 2.0, 0.0}, at::kDouble),
                                             at::tensor({2.0, 0.5, 1.0}, at::kDouble), 0.5);
  EXPECT_TRUE(at::allclose(s, at::tensor({2.0, 2.0, 1.0}, at::kDouble)));
  const testing::TemporaryFolder folder;
  const Model model = open_plain_model(testing::family_oracle("llama-gqa-untied"));
  EXPECT_ERROR(smoothed(model, 0.5, {}, folder.path(), true), "give --calibration");
}

TEST(Permutation, keeps_the_function_of_every_family_and_balances_masses) {
  REQUIRE_DATA("oracles/families/llama-gqa-untied");
  for (const std::string& name : testing::family_oracles()) {
    const Model model = open_plain_model(testing::family_oracle(name));
    const Tensor ids = at::arange(48, at::kLong) * 31 % model.config.vocabulary;
    const TokenWindows text = one_window(ids);
    for (const char* kind : {"graded", "balanced:8"}) {
      const testing::TemporaryFolder folder;
      const Model other = permuted(model, parse_permutation(kind), text, folder.path(), true);
      EXPECT_LE((logits(other, ids) - logits(model, ids)).abs().max().item<double>(), 5e-4)
          << name << " " << kind;
      const Tensor order =
          SafetensorsFile(folder.path() / "permutation.safetensors").load("residual");
      EXPECT_FALSE(at::equal(order, at::arange(model.config.hidden, at::kLong)) &&
                   std::string(kind) != "graded")
          << name;
    }
  }
  at::manual_seed(3);
  const Tensor mass = at::exp(at::randn({64}, at::kDouble));
  const Tensor sums = mass.index_select(0, detail::balanced_order(mass, 8)).reshape({8, 8}).sum(1);
  EXPECT_LT((sums.max() / sums.min()).item<double>(), 1.3);
  EXPECT_ERROR(parse_permutation("sorted"), "known: graded, balanced");
  EXPECT_ERROR(parse_permutation("balanced"), "balanced:32");
  EXPECT_ERROR(parse_permutation("graded:32"), "balanced:32");
}

TEST(Rotations, tied_and_untied_models_with_and_without_biases_keep_their_function) {
  for (const bool tied : {true, false})
    for (const bool biases : {true, false}) {
      const testing::TemporaryFolder folder;
      testing::write_tiny_model(folder.path(), {.tied = tied, .biases = biases});
      const Model model = open_plain_model(folder.path());
      expect_same_function(model, block_rotations);
      expect_same_function(model, full_rotations);
    }
}

TEST(Rotations, every_familys_oracle_keeps_its_logits) {
  REQUIRE_DATA("oracles/families/llama-gqa-untied");
  for (const std::string& name : testing::family_oracles()) {
    SCOPED_TRACE(name);
    expect_same_function(open_plain_model(testing::family_oracle(name)), block_rotations);
  }
}

TEST(Rotations, layer_norms_keep_their_function_tied_and_in_sequence) {
  const Family& family = family_of_model_type("gpt_neox", "test");
  for (const Json& changes :
       {Json{{"tie_word_embeddings", true}}, Json{{"use_parallel_residual", false}}}) {
    const testing::TemporaryFolder folder;
    testing::write_tiny_family(
        folder.path(), family, [](const Tensor& w) { return w; }, changes);
    expect_same_function(open_plain_model(folder.path()), block_rotations);
  }
}

TEST(Rotations, smollm2_keeps_its_logits) {
  const fs::path gguf =
      fs::path(LATTICELENS_SOURCE) / ".cache/smollm2/SmolLM2-135M-Instruct.Q4_1.gguf";
  if (!fs::exists(gguf))
    GTEST_SKIP() << "SKIPPED: no " << gguf << "; scripts/fetch-smollm2 fetches it";
  const Model model = open_plain_model(gguf);
  const Tensor ids = at::arange(64, at::kLong) * 701 % model.config.vocabulary;
  const Tensor expected = logits(model, ids);
  for (const char* transforms :
       {"hadamard:32@residual,hadamard:32@value_output,hadamard:32@down_input",
        "hadamard@residual,hadamard@value_output,hadamard@down_input"})
    EXPECT_LE((logits(folded(model, transforms, 0), ids) - expected).abs().max().item<double>(),
              2e-3)
        << transforms;
}

TEST(Rotations, the_seed_alone_decides_the_draw) {
  const testing::TemporaryFolder folder;
  testing::write_tiny_model(folder.path());
  const Model model = open_plain_model(folder.path());
  const auto embedding = [&](std::uint64_t seed) {
    return folded(model, "hadamard:32@residual", seed).tensors->load("model.embed_tokens.weight");
  };
  EXPECT_TRUE(at::equal(embedding(1), embedding(1)));
  EXPECT_FALSE(at::equal(embedding(1), embedding(2)));
}

} // namespace
} // namespace latticelens
