#include "sae/saelens_folder.h"

#include "core/error.h"
#include "core/files.h"
#include "sae/reference_encode.h"
#include "tensor/safetensors.h"
#include "tests/sae/random_coder.h"
#include "tests/support.h"
#include <cmath>
#include <functional>

namespace latticelens {
namespace {

using testing::random_coder;
using testing::random_inputs;
using testing::TemporaryFolder;

constexpr std::int64_t latents = 40, width = 12;

/// What SAELens computes of raw inputs, written after its documentation: dense latents [B, n] and
/// reconstructions [B, d] of the raw inputs.
struct Computed {
  Tensor latents, reconstruction;
};

Tensor kept(const Tensor& pre, const Json& config, const SafetensorsFile& file) {
  if (config["architecture"] == "standard")
    return at::relu(pre);
  if (config["architecture"] == "jumprelu")
    return at::relu(pre) * (pre > file.load("threshold").to(at::kDouble)).to(at::kDouble);
  const auto [values, indices] = at::topk(pre, config["k"].get<std::int64_t>());
  return at::zeros_like(pre).scatter_(1, indices, at::relu(values));
}

Computed saelens(const std::filesystem::path& folder, const Tensor& x) {
  const Json config = read_json(folder / "cfg.json");
  const SafetensorsFile file(folder / "sae_weights.safetensors");
  const auto load = [&](const char* name) { return file.load(name).to(at::kDouble); };
  const Tensor raw = x.to(at::kDouble), decoder = load("W_dec");
  const bool constant = config.value("normalize_activations", "none") == "constant_norm_rescale";
  const Tensor factor = constant ? std::sqrt(double(x.size(1))) / raw.norm(2, {1}, true)
                                 : at::ones({x.size(0), 1}, at::kDouble);
  const double takes_bias = config.value("apply_b_dec_to_input", true) ? 1 : 0;
  Tensor pre = at::mm(raw * factor - load("b_dec") * takes_bias, load("W_enc")) + load("b_enc");
  const bool rescale = config.value("rescale_acts_by_decoder_norm", false);
  const Tensor norms = rescale ? decoder.norm(2, {1}) : at::ones({decoder.size(0)}, at::kDouble);
  const Tensor acts = kept(pre * norms, config, file);
  return {acts, (at::mm(acts / norms, decoder) + load("b_dec")) / factor};
}

Tensor dense(const Codes& codes) {
  return at::zeros({codes.values.size(0), latents}, at::kDouble)
      .scatter_add_(1, codes.indices, codes.values.to(at::kDouble));
}

/// Our reconstruction of the raw inputs.
Tensor unscaled(const CoderConfig& config, const Tensor& reconstruction, const Tensor& x) {
  const Tensor wide = reconstruction.to(at::kDouble);
  if (config.scaling == InputScaling::unit_norm)
    return wide * x.to(at::kDouble).norm(2, {1}, true);
  return config.scaling == InputScaling::mean_norm ? wide / config.input_factor : wide;
}

/// The coder computes what SAELens computes of the folder, latents in another unit.
void expect_agreement(const Coder& coder, const std::filesystem::path& folder, double unit) {
  const Tensor x = random_inputs(50, width);
  const Codes codes = reference::encode(coder, x);
  const Computed there = saelens(folder, x);
  EXPECT_GT((there.latents > 0).sum().item<std::int64_t>(), 50);
  EXPECT_TRUE((dense(codes) * unit).allclose(there.latents, 1e-4, 1e-5));
  EXPECT_TRUE(unscaled(coder.config, reference::decode(coder, codes), x)
                  .allclose(there.reconstruction, 1e-4, 1e-4));
}

class SaelensFolder : public ::testing::Test {
 protected:
  const std::filesystem::path& folder() const { return folder_.path(); }
  /// A folder with these keys and weights, as SAELens writes it.
  void write(Json config, at::ScalarType type = at::kFloat) {
    Json whole = {{"architecture", "topk"},
                  {"d_in", width},
                  {"d_sae", latents},
                  {"k", 5},
                  {"metadata",
                   {{"sae_lens_version", "6.54.12"},
                    {"model_name", "gpt2"},
                    {"hook_name", "blocks.3.hook_resid_post"},
                    {"dataset_path", "stories"}}}};
    whole.update(config);
    write_text(folder() / "cfg.json", whole.dump());
    const Coder coder = random_coder(latents, width, {.selection = Selection::threshold});
    const Tensor scales = at::linspace(0.5, 2, latents);
    std::vector<std::pair<std::string, Tensor>> tensors = {
        {"W_dec", (coder.weights.decoder * scales.unsqueeze(1)).to(type)},
        {"W_enc", coder.weights.encoder.t().to(type)},
        {"b_dec", coder.weights.bias.to(type)},
        {"b_enc", coder.weights.encoder_bias.to(type)}};
    if (whole["architecture"] == "jumprelu")
      tensors.emplace_back("threshold", coder.config.thresholds.to(type));
    write_safetensors(folder() / "sae_weights.safetensors", tensors);
  }
  void expect_refusal(Json config, const char* reason) {
    write(std::move(config));
    EXPECT_ERROR(read_saelens(folder()), reason);
  }
  TemporaryFolder folder_;
};

TEST_F(SaelensFolder, what_we_write_computes_what_the_coder_does) {
  for (const Selection selection :
       {Selection::top_k, Selection::batch_top_k, Selection::threshold}) {
    const auto check = [&](InputScaling scaling, double unit) {
      const Coder coder =
          random_coder(latents, width, {.selection = selection, .k = 5, .scaling = scaling});
      write_saelens({coder}, folder());
      expect_agreement(coder, folder(), unit);
    };
    check(InputScaling::none, 1);
    check(InputScaling::unit_norm, std::sqrt(double(width)));
    check(InputScaling::mean_norm, 1 / testing::some_factor);
  }
}

TEST_F(SaelensFolder, weights_lie_transposed_and_decoder_rows_keep_their_norm) {
  for (const InputScaling scaling : {InputScaling::unit_norm, InputScaling::mean_norm}) {
    const Coder coder = random_coder(latents, width, {.k = 5, .scaling = scaling});
    write_saelens({coder}, folder());
    const SafetensorsFile file(folder() / "sae_weights.safetensors");
    EXPECT_TRUE(file.load("W_enc").equal(coder.weights.encoder.t()));
    EXPECT_TRUE(file.load("W_dec").equal(coder.weights.decoder));
  }
}

TEST_F(SaelensFolder, the_hook_is_the_block_before_the_site) {
  Coder coder = random_coder(latents, width, {.k = 5});
  const auto hook = [&](const std::string& site, std::int64_t blocks) {
    coder.config.site = site;
    coder.config.site_block = blocks;
    write_saelens({coder}, folder());
    return read_json(folder() / "cfg.json")["metadata"]["hook_name"].get<std::string>();
  };
  EXPECT_EQ(hook("block:12", 12), "blocks.11.hook_resid_post");
  EXPECT_EQ(hook("block:0", 0), "blocks.0.hook_resid_pre");
  EXPECT_EQ(hook("blocks.3.hook_mlp_out", -1), "blocks.3.hook_mlp_out");
}

TEST_F(SaelensFolder, reads_what_saelens_computes) {
  const double root = std::sqrt(double(width));
  const auto check = [&](const Json& config, double unit) {
    SCOPED_TRACE(config.dump());
    write(config);
    expect_agreement(read_saelens(folder()).coder, folder(), unit);
  };
  check(Json::object(), 1);
  check({{"apply_b_dec_to_input", false}}, 1);
  check({{"rescale_acts_by_decoder_norm", true}}, 1);
  check({{"rescale_acts_by_decoder_norm", true}, {"apply_b_dec_to_input", false}}, 1);
  check({{"normalize_activations", "constant_norm_rescale"}}, root);
  check({{"normalize_activations", "constant_norm_rescale"},
         {"rescale_acts_by_decoder_norm", true},
         {"apply_b_dec_to_input", false}},
        root);
  check({{"architecture", "jumprelu"}}, 1);
  check({{"architecture", "jumprelu"}, {"normalize_activations", "constant_norm_rescale"}}, root);
  check({{"architecture", "standard"}, {"apply_b_dec_to_input", false}}, 1);
}

TEST_F(SaelensFolder, reads_narrow_dtypes_and_where_the_coder_belongs) {
  for (const auto type : {at::kHalf, at::kBFloat16}) {
    write(Json::object(), type);
    const StoredCoder read = read_saelens(folder());
    EXPECT_EQ(read.coder.weights.encoder.scalar_type(), at::kFloat);
    expect_agreement(read.coder, folder(), 1);
    EXPECT_EQ(read.coder.config.model, "gpt2");
    EXPECT_EQ(read.coder.config.site, "block:4");
    EXPECT_EQ(read.coder.config.site_block, 4);
    EXPECT_EQ(read.metadata, Json({{"dataset_path", "stories"}}));
  }
}

TEST_F(SaelensFolder, a_hook_that_is_no_residual_stream_keeps_its_name) {
  const auto site = [&](const char* hook) {
    write({{"metadata", {{"sae_lens_version", "6.0.0"}, {"hook_name", hook}}}});
    return read_saelens(folder()).coder.config;
  };
  EXPECT_EQ(site("blocks.3.hook_mlp_out").site, "blocks.3.hook_mlp_out");
  EXPECT_EQ(site("blocks.3.hook_mlp_out").site_block, -1);
  EXPECT_EQ(site("blocks.3.hook_resid_pre").site, "block:3");
  EXPECT_EQ(site("blocks.99999999999999999999.hook_resid_pre").site_block, -1);
  EXPECT_EQ(site("blocks..hook_resid_pre").site_block, -1);
}

TEST_F(SaelensFolder, a_mean_norm_needs_its_factor) {
  const Json config = {{"normalize_activations", "expected_average_only_in"}};
  expect_refusal(config, "activation_scaler.json does not exist");
  write_text(folder() / "activation_scaler.json", R"({"scaling_factor": 0.25})");
  const Coder coder = read_saelens(folder()).coder;
  EXPECT_EQ(coder.config.scaling, InputScaling::mean_norm);
  EXPECT_EQ(coder.config.input_factor, 0.25);
  write_text(folder() / "activation_scaler.json", R"({"scaling_factor": null})");
  EXPECT_ERROR(read_saelens(folder()), "scaling_factor");
  write_text(folder() / "activation_scaler.json", R"({"scaling_factor": -1})");
  EXPECT_ERROR(read_saelens(folder()), "positive");
}

TEST_F(SaelensFolder, refuses_what_a_coder_is_not) {
  expect_refusal({{"normalize_activations", "layer_norm"}}, "no scaling by one number");
  expect_refusal({{"normalize_activations", "covariance_whitening"}}, "no scaling by one number");
  expect_refusal({{"normalize_activations", "other"}}, "not known");
  expect_refusal({{"reshape_activations", "hook_z"}}, "joins heads");
  expect_refusal({{"architecture", "gated"}}, "topk, jumprelu and standard");
  expect_refusal({{"architecture", "batchtopk"}}, "save_inference_model");
  expect_refusal({{"architecture", 3}}, "should be a string");
  expect_refusal({{"metadata", Json::object()}}, "before 6.0");
  expect_refusal({{"metadata", {{"sae_lens_version", "5.9.1"}}}}, "before 6.0");
  expect_refusal({{"metadata", 7}}, "should be an object");
  expect_refusal({{"k", 0}}, "k is 0");
  expect_refusal({{"k", 41}}, "k is 41");
  expect_refusal({{"k", 2.5}}, "an integer");
  expect_refusal({{"d_in", 13}}, "do not belong together");
  expect_refusal({{"d_sae", -1}}, "do not belong together");
}

TEST_F(SaelensFolder, refuses_other_tensors) {
  const auto refuse = [&](const char* reason, std::vector<std::pair<std::string, Tensor>> tensors) {
    write(Json::object());
    write_safetensors(folder() / "sae_weights.safetensors", tensors);
    EXPECT_ERROR(read_saelens(folder()), reason);
  };
  const Tensor b_enc = at::zeros({latents}), b_dec = at::zeros({width}),
               W_enc = at::zeros({width, latents}), W_dec = at::zeros({latents, width});
  refuse("b_enc is missing", {{"W_enc", W_enc}, {"W_dec", W_dec}, {"b_dec", b_dec}});
  refuse("should be [12, 40]",
         {{"W_enc", W_dec}, {"W_dec", W_dec}, {"b_dec", b_dec}, {"b_enc", b_enc}});
  refuse("stored as F64",
         {{"W_enc", W_enc}, {"W_dec", W_dec}, {"b_dec", b_dec.to(at::kDouble)}, {"b_enc", b_enc}});
  refuse(
      "W_gate is a tensor",
      {{"W_enc", W_enc}, {"W_dec", W_dec}, {"b_dec", b_dec}, {"b_enc", b_enc}, {"W_gate", b_enc}});
  refuse(
      "not finite",
      {{"W_enc", at::full_like(W_enc, NAN)}, {"W_dec", W_dec}, {"b_dec", b_dec}, {"b_enc", b_enc}});
}

TEST_F(SaelensFolder, batch_top_k_needs_its_threshold) {
  Coder coder = random_coder(latents, width, {.selection = Selection::batch_top_k, .k = 5});
  coder.config.thresholds.reset();
  EXPECT_ERROR(write_saelens({coder}, folder()), "train on until it is");
}

/// A folder of ours whose keys were changed by someone else.
TEST_F(SaelensFolder, keys_that_contradict_our_record_are_refused) {
  const auto refuse = [&](const char* reason, const std::function<void(Json&)>& change) {
    write_saelens({random_coder(latents, width, {.k = 5})}, folder());
    Json config = read_json(folder() / "cfg.json");
    change(config);
    write_text(folder() / "cfg.json", config.dump());
    EXPECT_ERROR(read_saelens(folder()), reason);
  };
  refuse("another coder", [](Json& config) { config["k"] = 4; });
  refuse("another coder", [](Json& config) { config["normalize_activations"] = "none"; });
  refuse("another coder", [](Json& config) { config["apply_b_dec_to_input"] = false; });
  const auto record = [](Json& config) -> Json& { return config["metadata"]["latticelens"]; };
  refuse("another coder",
         [](Json& config) { config["normalize_activations"] = "expected_average_only_in"; });
  refuse("unit", [&](Json& config) { record(config)["unit"] = 2; });
  refuse("positive", [&](Json& config) { record(config)["input_factor"] = 0; });
  refuse("a block", [&](Json& config) { record(config)["site_block"] = -2; });
  refuse("\"sideways\" is not known",
         [&](Json& config) { record(config)["selection"] = "sideways"; });
  refuse("should be an object", [&](Json& config) { record(config) = 1; });
}

} // namespace
} // namespace latticelens
