#include "sae/sparsify_folder.h"

#include "core/error.h"
#include "core/files.h"
#include "sae/reference_encode.h"
#include "tensor/safetensors.h"
#include "tests/sae/random_coder.h"
#include "tests/support.h"

namespace latticelens {
namespace {

using testing::random_coder;
using testing::random_inputs;
using testing::TemporaryFolder;

constexpr std::int64_t latents = 36, width = 12;

class SparsifyFolder : public ::testing::Test {
 protected:
  std::filesystem::path folder() const { return folder_.path() / "layers.11"; }
  /// A folder with these keys and weights, as sparsify writes it.
  void write(Json config, at::ScalarType type = at::kFloat) {
    Json whole = {{"d_in", width}, {"expansion_factor", 3}, {"k", 4}};
    whole.update(config);
    make_directory(folder());
    write_text(folder() / "cfg.json", whole.dump());
    const CoderWeights weights = random_coder(latents, width, {}).weights;
    write_safetensors(folder() / "sae.safetensors",
                      {{"W_dec", weights.decoder.to(type)},
                       {"b_dec", weights.bias.to(type)},
                       {"encoder.bias", weights.encoder_bias.to(type)},
                       {"encoder.weight", weights.encoder.to(type)}});
  }
  void expect_refusal(Json config, const char* reason) {
    write(std::move(config));
    EXPECT_ERROR(read_sparsify(folder()), reason);
  }

 private:
  TemporaryFolder folder_;
};

TEST_F(SparsifyFolder, a_mean_norm_is_in_the_biases) {
  const Coder coder = random_coder(latents, width, {.k = 4, .scaling = InputScaling::mean_norm});
  write_sparsify({coder}, folder());
  Json config = read_json(folder() / "cfg.json");
  config.erase("metadata"); // what sparsify itself makes of the folder
  write_text(folder() / "cfg.json", config.dump());
  const Coder there = read_sparsify(folder()).coder;
  EXPECT_EQ(there.config.scaling, InputScaling::none);
  const Tensor x = random_inputs(50, width);
  const Codes ours = reference::encode(coder, x), theirs = reference::encode(there, x);
  EXPECT_TRUE(ours.indices.equal(theirs.indices));
  const double factor = coder.config.input_factor;
  EXPECT_TRUE((ours.values / factor).allclose(theirs.values, 1e-4, 1e-4));
  EXPECT_TRUE((reference::decode(coder, ours) / factor)
                  .allclose(reference::decode(there, theirs), 1e-4, 1e-4));
}

TEST_F(SparsifyFolder, the_metadata_says_how_inputs_of_unit_norm_are_made) {
  write_sparsify({random_coder(latents, width, {.k = 4})}, folder());
  const Json record = read_json(folder() / "cfg.json")["metadata"]["latticelens"];
  EXPECT_EQ(record["input_scaling"], "unit_norm");
  EXPECT_EQ(record["unit"], 1.0);
  EXPECT_NE(record["inputs"].get<std::string>().find("Euclidean norm"), std::string::npos);
}

TEST_F(SparsifyFolder, refuses_to_write_what_is_no_top_k) {
  for (const Selection selection : {Selection::batch_top_k, Selection::threshold})
    EXPECT_ERROR(write_sparsify({random_coder(latents, width, {.selection = selection})}, folder()),
                 "write the form saelens");
}

TEST_F(SparsifyFolder, reads_optional_keys_and_narrow_dtypes) {
  for (const auto type : {at::kFloat, at::kHalf, at::kBFloat16}) {
    write(Json::object(), type);
    const StoredCoder read = read_sparsify(folder());
    const CoderConfig& config = read.coder.config;
    EXPECT_EQ(config.k, 4);
    EXPECT_EQ(config.scaling, InputScaling::none);
    EXPECT_EQ(config.site, "block:12");
    EXPECT_EQ(config.site_block, 12);
    EXPECT_TRUE(read.coder.weights.decoder.equal(
        random_coder(latents, width, {}).weights.decoder.to(type).to(at::kFloat)));
    EXPECT_EQ(read.metadata, Json::object());
  }
  write({{"num_latents", latents}, {"expansion_factor", 32}});
  EXPECT_EQ(read_sparsify(folder() / "").coder.config.site, "block:12");
}

TEST_F(SparsifyFolder, refuses_what_a_coder_is_not) {
  expect_refusal({{"activation", "groupmax"}}, "topk is read");
  expect_refusal({{"transcode", true}}, "\"transcode\"");
  expect_refusal({{"skip_connection", true}}, "\"skip_connection\"");
  expect_refusal({{"signed", true}}, "\"signed\"");
  expect_refusal({{"num_latents", 35}}, "do not belong together");
  expect_refusal({{"expansion_factor", 4}}, "do not belong together");
  expect_refusal({{"expansion_factor", std::int64_t{1} << 62}}, "do not belong together");
  expect_refusal({{"d_in", 13}}, "do not belong together");
  expect_refusal({{"d_in", nullptr}}, "d_in");
  expect_refusal({{"k", 37}}, "k is 37");
  expect_refusal({{"k", "four"}}, "an integer");
  expect_refusal({{"metadata", "none"}}, "should be an object");
}

TEST_F(SparsifyFolder, refuses_skip_weights) {
  write(Json::object());
  const CoderWeights weights = random_coder(latents, width, {}).weights;
  write_safetensors(folder() / "sae.safetensors", {{"W_dec", weights.decoder},
                                                   {"W_skip", at::zeros({width, width})},
                                                   {"b_dec", weights.bias},
                                                   {"encoder.bias", weights.encoder_bias},
                                                   {"encoder.weight", weights.encoder}});
  EXPECT_ERROR(read_sparsify(folder()), "W_skip is a tensor");
}

} // namespace
} // namespace latticelens
