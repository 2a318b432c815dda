// Every family through the layer loop, the packed folder and the plain export.
#include "core/error.h"
#include "quantize/check_method.h"
#include "quantize/export_dequantized.h"
#include "quantize/input_bases.h"
#include "quantize/layer_loop.h"
#include "quantize/walks.h"
#include "tensor/token_rows.h"
#include "tests/support.h"
#include "tests/tiny_family.h"

namespace latticelens {
namespace {

namespace fs = std::filesystem;

const std::string rotations =
    "rotate=hadamard:32@residual,hadamard:32@value_output,hadamard:32@down_input ";

Tensor logits(const Model& model) {
  const Tensor ids = at::arange(48, at::kLong) * 31 % model.config.vocabulary;
  return load_head(model)(run_decoder(model, {ids})[0]);
}

double difference(const Model& a, const Model& b) {
  return (logits(a) - logits(b)).abs().max().item<double>();
}

TokenWindows random_windows(std::int64_t count, std::int64_t length) {
  TokenWindows windows{.count = count, .length = length};
  for (std::int64_t i = 0; i < count * length; ++i)
    windows.ids.push_back(static_cast<std::int32_t>((i * i * 7 + i * 13 + i / 5) % 96));
  return windows;
}

class FamilyLoop : public ::testing::TestWithParam<std::size_t> {
 protected:
  const Family& family() const { return families()[GetParam()]; }
  fs::path original() const { return folder_ / "original"; }
  void write(const std::function<Tensor(const Tensor&)>& finish) const {
    testing::write_tiny_family(original(), family(), finish);
  }
  OpenedModel quantized(const std::string& method, const std::string& out,
                        const TokenWindows& windows = {}) const {
    const Model model = open_plain_model(original());
    const QuantizeRequest request{.model = model,
                                  .method = parse_method(method),
                                  .calibration = windows,
                                  .seed = 7,
                                  .storage = Storage::fp32,
                                  .quiet = true};
    check_method(request.method, model);
    RunDirectory run(folder_ / out, {{"method", method}});
    run.write(false, Json::object());
    quantize_blocks_of(request, run);
    return open_model(run.model());
  }
  testing::TemporaryFolder folder_;
};

TEST_P(FamilyLoop, weights_that_the_format_holds_come_back_to_the_same_logits) {
  const Format format = parse_format("mxfp4");
  write([&](const Tensor& weight) {
    SnapCounts counts;
    return format.snap(weight, format.fit(weight), counts);
  });
  const Model before = open_plain_model(original());
  const OpenedModel after = quantized("weight=mxfp4 rounding=nearest", "run");
  EXPECT_TRUE(at::equal(logits(after.model), logits(before)));
  export_dequantized(after, folder_ / "plain", {.storage = Storage::fp32});
  EXPECT_TRUE(at::equal(logits(open_plain_model(folder_ / "plain")), logits(before)));
}

TEST_P(FamilyLoop, a_rotated_model_stays_near_the_original_and_its_plain_export_agrees) {
  write([](const Tensor& weight) { return weight; });
  const Model before = open_plain_model(original());
  const OpenedModel after =
      quantized(rotations + "weight=mxfp4 rounding=gptq", "run", random_windows(8, 64));
  const Tensor expected = logits(before);
  const double relative =
      ((logits(after.model) - expected).norm() / expected.norm()).item<double>();
  EXPECT_LT(relative, 0.5);
  export_dequantized(after, folder_ / "plain", {.storage = Storage::fp32});
  EXPECT_LE(difference(open_plain_model(folder_ / "plain"), after.model), 1e-4);
}

TEST_P(FamilyLoop, an_export_has_the_tensors_of_whole_blocks_bit_for_bit_at_any_shard_size) {
  write([](const Tensor& weight) { return weight; });
  const OpenedModel opened =
      quantized(rotations + "weight=mxfp4 rounding=nearest", "run", random_windows(4, 40));
  NamedTensors expected = plain_outer(opened);
  for (std::int64_t layer = 0; layer < opened.model.config.layers; ++layer)
    for (auto& named : plain_block(opened, layer))
      expected.push_back(named);
  for (const Storage storage : {Storage::fp32, Storage::bf16})
    for (const std::int64_t shard_size :
         {std::int64_t{1}, std::int64_t{100'000}, default_shard_size}) {
      fs::remove_all(folder_ / "plain");
      export_dequantized(opened, folder_ / "plain", {storage, shard_size});
      const auto tensors = open_plain_model(folder_ / "plain").tensors;
      EXPECT_EQ(tensors->names().size() == expected.size(), !opened.model.family->joined);
      for (const auto& [name, tensor] : expected)
        EXPECT_TRUE(at::equal(tensors->load(name), tensor.to(scalar_type(storage)))) << name;
    }
}

TEST_P(FamilyLoop, a_run_cut_off_continues_to_the_same_bytes) {
  write([](const Tensor& weight) { return weight; });
  const std::string formats = "weight=mxfp4 activation=mxfp4 centre=mean ";
  for (const std::string& words :
       {rotations + formats + "kv=mxfp4", "rotate=aware:32@inputs " + formats}) {
    const std::string method = words + " rounding=gptq moments=quantized", name = text_hash(words);
    quantized(method, name, random_windows(4, 40));
    const fs::path run = folder_ / name, shard = run / "model/model-00002-of-00003.safetensors";
    const std::string expected = read_text(shard), rows = read_text(run / "layers.jsonl");
    fs::remove(shard);
    quantized(method, name, random_windows(4, 40));
    EXPECT_EQ(read_text(shard), expected);
    EXPECT_EQ(read_text(run / "layers.jsonl"), rows);
  }
}

/// Second moments of what a stage of the opened model reads, summed over the windows.
Tensor gram_of(const Model& model, const std::string& place, const TokenWindows& windows) {
  Tensor sum;
  const auto add = [&](std::string_view here, const Tensor& x) {
    if (here != place)
      return;
    const Tensor rows = x.flatten(0, 1).to(at::kDouble), own = rows.t().mm(rows);
    sum = sum.defined() ? sum + own : own;
  };
  run_decoder(model, token_rows(windows.ids, windows.length), {}, add);
  return sum;
}

/// The mean over all tokens of what a stage of the model reads.
Tensor mean_of(const Model& model, const std::string& place, const TokenWindows& windows) {
  std::vector<Tensor> rows;
  run_decoder(model, token_rows(windows.ids, windows.length), {},
              [&](std::string_view here, const Tensor& x) {
                if (here == place)
                  rows.push_back(x.flatten(0, 1));
              });
  return at::cat(rows).to(at::kDouble).mean(0);
}

TEST_P(FamilyLoop, inputs_are_quantized_around_the_mean_that_the_original_has_there) {
  write([](const Tensor& weight) { return weight; });
  const TokenWindows windows = random_windows(4, 40);
  const OpenedModel opened =
      quantized("weight=mxfp8-e4m3 activation=mxfp4 centre=mean rounding=nearest", "run", windows);
  const Model before = open_plain_model(original());
  // What comes later sees what was quantized before it.
  const std::string place = block_prefix(before, 0) + before.layout->stages.front().name;
  const Tensor centre = opened.model.tensors->load(place + ".input_centre").to(at::kDouble);
  EXPECT_TRUE(at::allclose(centre, mean_of(before, place, windows), 1e-4, 1e-5));
  OpenedModel uncentred = opened;
  uncentred.model.prepare = [&](Block& block) {
    install_activations(block, *opened.model.layout, {.format = parse_format("mxfp4")});
  };
  EXPECT_GT(difference(opened.model, uncentred.model), 1e-3);
}

TEST_P(FamilyLoop, stored_bases_that_lack_or_do_not_fit_are_errors) {
  write([](const Tensor& weight) { return weight; });
  const Model model = open_plain_model(original());
  const Method method =
      parse_method("rotate=aware:32@inputs weight=mxfp4 activation=mxfp4 centre=mean");
  const auto load_with = [&](const Tensor& matrices, const Tensor& centre) {
    return load_input_bases(model, method, 0, [=](const std::string& name) {
      return name.ends_with("transform") ? matrices : centre;
    });
  };
  const Tensor eyes = at::eye(32).expand({4, 32, 32}), zeros = at::zeros({128});
  EXPECT_ERROR(load_with(Tensor(), zeros), ".input_transform: is missing from the folder");
  EXPECT_ERROR(load_with(at::eye(32), zeros), ".input_transform: does not fit inputs of 128");
  EXPECT_ERROR(load_with(eyes, Tensor()), ".input_centre: is missing from the folder");
  EXPECT_ERROR(load_with(eyes, at::zeros({64})), ".input_centre: does not fit inputs of 128");
  EXPECT_ERROR(load_with(eyes, zeros / 0), "holds a number that is not finite");
}

TEST_P(FamilyLoop, an_opened_model_has_the_quantized_cache_that_the_loop_had) {
  write([](const Tensor& weight) { return weight; });
  const TokenWindows windows = random_windows(3, 40);
  const std::string words = "weight=mxfp4 rounding=gptq ",
                    kv = "kv=mxfp4 rotate=hadamard:16@query_key ";
  for (const bool calibrated_with : {false, true}) {
    SCOPED_TRACE(calibrated_with);
    const std::string out = calibrated_with ? "with" : "without";
    const std::string method = words + kv + (calibrated_with ? "" : "moments=original");
    const OpenedModel opened = quantized(method, out, windows);
    ASSERT_TRUE(opened.activations.kv && opened.activations.query_key);
    OpenedModel uncached = opened;
    uncached.model.prepare = [](Block&) {};
    EXPECT_GT(difference(opened.model, uncached.model), 1e-2);
    EXPECT_GT(opened.activations.counts->values, 0);
    // What the loop collected in the last block: with the cache, or without when it was left out.
    const Model original_model = open_plain_model(original());
    const QuantizeRequest request{.model = original_model,
                                  .method = parse_method(method),
                                  .calibration = windows,
                                  .seed = 7,
                                  .storage = Storage::fp32,
                                  .quiet = true};
    const Rotations drawn = rotations_of(request);
    Walks walks(request, drawn);
    const ShardFolder shards(folder_ / out / "model", original_model.config.layers + 1,
                             Storage::fp32);
    walks.repeat(0, shards);
    walks.load_finished(1, shards);
    const Tensor loop = walks.collect(0).moments.gram;
    const std::string place =
        block_prefix(original_model, 1) + original_model.layout->stages.front().name;
    const Tensor with = gram_of(opened.model, place, windows),
                 without = gram_of(uncached.model, place, windows);
    const auto lower = [](const Tensor& x) { return x.tril(); };
    EXPECT_TRUE(at::allclose(lower(loop), lower(calibrated_with ? with : without), 1e-4, 1e-2));
    EXPECT_FALSE(at::allclose(lower(loop), lower(calibrated_with ? without : with), 1e-4, 1e-2));
  }
}

TEST_P(FamilyLoop, a_cache_that_does_not_fit_the_heads_is_refused) {
  write([](const Tensor& weight) { return weight; });
  EXPECT_ERROR(quantized("weight=mxfp4 kv=mxint8:64", "run"),
               "kv=mxint8:64: blocks of 64 do not divide the head dimension 32; write for example "
               "kv=mxint8:32, or int8");
  EXPECT_ERROR(quantized("weight=mxfp4 kv=mxfp4 rotate=hadamard:64@query_key", "run"),
               "blocks of 64 do not divide the width 32");
  EXPECT_ERROR(quantized("weight=mxfp4 kv=mxfp4 rotate=aware@query_key", "run"),
               "cannot act at this site; write for example hadamard@query_key");
}

INSTANTIATE_TEST_SUITE_P(Families, FamilyLoop, ::testing::Range<std::size_t>(0, families().size()),
                         [](const auto& row) { return families()[row.param].name; });

class Experts : public FamilyLoop {
 protected:
  Json first_row(const std::string& linear) const {
    for (const Json& row : RunDirectory(folder_ / "run", {{"method", method_}}).read_layers())
      if (row["linear"] == linear)
        return row;
    return {};
  }
  void run(std::int64_t windows) const {
    write([](const Tensor& weight) { return weight; });
    quantized(method_, "run", random_windows(windows, 40));
  }
  const std::string method_ = "weight=mxfp4 rounding=gptq";
};

TEST_P(Experts, learn_from_the_tokens_that_reach_them) {
  run(40);
  std::int64_t tokens = 0;
  for (const char* expert : {"0", "1", "2", "3"}) {
    const std::string prefix = std::string("block_sparse_moe.experts.") + expert;
    const Json row = first_row(prefix + ".w1");
    EXPECT_FALSE(row.contains("shared_moments"));
    EXPECT_EQ(row["tokens"], first_row(prefix + ".w2")["tokens"]);
    tokens += row["tokens"].get<std::int64_t>();
  }
  EXPECT_EQ(tokens, 2 * 40 * 40); // two experts a token
}

TEST_P(Experts, that_see_too_few_tokens_say_so_and_use_those_of_all) {
  run(2);
  for (const char* name : {"w1", "w2", "w3"}) {
    const Json row = first_row(std::string("block_sparse_moe.experts.1.") + name);
    EXPECT_EQ(row["shared_moments"], true);
    EXPECT_LT(row["routed_tokens"], row["in"]);
    EXPECT_EQ(row["tokens"], 2 * 40);
  }
}

TEST_P(Experts, refuse_the_originals_outputs_as_the_target) {
  write([](const Tensor& weight) { return weight; });
  EXPECT_ERROR(quantized("weight=mxfp4 rounding=gptq target=original", "run"),
               "write target=quantized");
}

std::size_t index_of(const std::string& name) {
  for (std::size_t i = 0; i < families().size(); ++i)
    if (families()[i].name == name)
      return i;
  throw Error("test", "no family " + name);
}

INSTANTIATE_TEST_SUITE_P(Mixtral, Experts, ::testing::Values(index_of("mixtral")));

} // namespace
} // namespace latticelens
