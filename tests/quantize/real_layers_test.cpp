// The papers' equalities on the layers of real models: every form of GPTQ and Babai, in every
// order, and the basis made from the inputs themselves.
#include "core/files.h"
#include "lattice/factor.h"
#include "lattice/streamed_ql.h"
#include "quantize/calibration.h"
#include "rounding/papers.h"
#include "tests/support.h"
#include "text/components.h"
#include "text/corpus.h"

namespace latticelens {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t rows_of_each = 24; // rows do not meet, and the forms are slow

struct RealLayer {
  std::string name;
  Tensor weight; // [at most rows_of_each, in]
  Moments moments;
  std::vector<Tensor> inputs; // of every window [1, t, in]
};

std::vector<Tensor> token_windows(std::int64_t vocabulary, int windows, std::int64_t length) {
  at::manual_seed(7);
  std::vector<Tensor> result;
  for (int i = 0; i < windows; ++i)
    result.push_back(at::randint(vocabulary, {1, length}, at::kLong));
  return result;
}

/// Every linear of the first `layers` blocks, with what it reads in the windows.
std::vector<RealLayer> layers_of(const Model& model, std::int64_t layers,
                                 const std::vector<Tensor>& windows) {
  Walk walk{{model, load_embedding(model), windows, Storage::fp32}, {}};
  std::vector<RealLayer> result;
  for (std::int64_t layer = 0; layer < layers; ++layer) {
    walk.block = load_block(model, layer);
    for (std::size_t s = 0; s < model.layout->stages.size(); ++s) {
      const Moments moments = collect_moments(walk, s).moments;
      std::vector<Tensor> inputs;
      for (std::size_t window = 0; window < windows.size(); ++window)
        inputs.push_back(walk.stream.input(walk.block, s, window));
      for (const std::string& name : model.layout->stages[s].linears) {
        const Tensor weight = walk.block.linears.at(name).weight.to(at::kFloat);
        result.push_back({std::to_string(layer) + "." + name,
                          weight.slice(0, 0, rows_of_each).contiguous(), moments, inputs});
      }
      walk.stream.advance(walk.block, s);
    }
  }
  return result;
}

void expect_one_result_of_all_forms(const RealLayer& layer, const Format& format) {
  for (const OrderRow& order : orders()) {
    const RoundingProblem problem{layer.weight, layer.moments, format, layer.name, {}, order.name};
    const Rounded gptq = round_weight(parse_rounding("gptq"), problem);
    for (const RoundingRow& form : paper_roundings({"damp", 0.01, ""})) {
      const Rounded paper = round_weight(parse_rounding(form.name), problem);
      EXPECT_TRUE(at::equal(paper.values, gptq.values))
          << layer.name << " " << order.name << " " << form.name;
      EXPECT_EQ(paper.clipped, gptq.clipped);
    }
  }
}

void expect_the_basis_of_the_inputs(const RealLayer& layer) {
  const std::int64_t n = layer.weight.size(1);
  StreamedQl ql(n);
  Tensor gram = at::zeros({n, n}, at::kDouble);
  for (const Tensor& input : layer.inputs) {
    const Tensor x = input.reshape({-1, n}).to(at::kDouble);
    ql.add(x);
    gram += at::matmul(x.t(), x);
  }
  for (const OrderRow& order : orders()) {
    const LatticeFactor factor = factor_moments(gram, {.order = order.name}, layer.name);
    const Tensor l = ql.finish(factor.lambda, factor.order, layer.name);
    EXPECT_LE((l - factor.l).abs().max().item<double>(), 1e-9 * factor.l.abs().max().item<double>())
        << layer.name << " " << order.name;
  }
}

TEST(RealLayers, all_forms_of_gptq_give_its_codes_on_every_linear_of_tinystories) {
  REQUIRE_DATA("models/TinyStories-656K");
  const Model model = open_plain_model(testing::data_folder() / "models/TinyStories-656K");
  const auto windows = token_windows(model.config.vocabulary, 4, 128);
  for (const RealLayer& layer : layers_of(model, model.config.layers, windows)) {
    expect_one_result_of_all_forms(layer, parse_format("mxfp4"));       // clips its largest values
    expect_one_result_of_all_forms(layer, parse_format("mxfp4/rceil")); // clips what feedback adds
    expect_the_basis_of_the_inputs(layer);
  }
}

TEST(RealLayers, all_forms_of_gptq_give_its_codes_on_layers_of_smollm2) {
  const fs::path gguf =
      fs::path(LATTICELENS_SOURCE) / ".cache/smollm2/SmolLM2-135M-Instruct.Q4_1.gguf";
  if (!fs::exists(gguf))
    GTEST_SKIP() << "SKIPPED: no " << gguf << "; scripts/fetch-smollm2 fetches it";
  const Model model = open_plain_model(gguf);
  for (const RealLayer& layer : layers_of(model, 1, token_windows(model.config.vocabulary, 2, 512)))
    if (layer.name == "0.self_attn.k_proj") {
      expect_one_result_of_all_forms(layer, parse_format("mxfp4"));
      expect_the_basis_of_the_inputs(layer);
    }
}

} // namespace
} // namespace latticelens
