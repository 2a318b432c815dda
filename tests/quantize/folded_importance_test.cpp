#include "quantize/folded_importance.h"

#include "tests/support.h"
#include "tests/tiny_family.h"
#include "transforms/orthogonal.h"
#include <ATen/ATen.h>

namespace latticelens {
namespace {

/// A tiny model, and squares measured of its first block.
struct Measured {
  Measured() {
    testing::write_tiny_family(folder.path(), family_of_model_type("llama", "test"),
                               [](const Tensor& weight) { return weight; });
    model = open_plain_model(folder.path());
    Importance squares;
    for (const Stage& stage : model.layout->stages) {
      std::int64_t outputs = 0;
      for (const std::string& name : stage.linears)
        for (const LinearShape& shape : model.layout->linears)
          outputs += shape.name == name ? shape.out : 0;
      squares.set(block_prefix(model, 0) + stage.name,
                  {at::ones({1, 4}), at::rand({outputs}, at::kDouble), 1.0});
    }
    importance = std::make_shared<const Importance>(squares);
  }
  const Stage& stage(const std::string& name) const {
    for (const Stage& stage : model.layout->stages)
      if (stage.name == name)
        return stage;
    throw std::runtime_error("no stage " + name);
  }
  Tensor before(const std::string& name) const {
    return importance->output_factors(block_prefix(model, 0) + name);
  }
  Tensor after(const Rotations& rotations, const std::string& name) const {
    return FoldedImportance(importance, rotations, model).output_factors(stage(name), 0);
  }
  testing::TemporaryFolder folder;
  Model model;
  std::shared_ptr<const Importance> importance;
};

Rotations rotations(const Model& model, const std::string& residual, const std::string& values) {
  return make_rotations({parse_transform(residual), parse_transform(values)}, model.config, 3);
}

TEST(FoldedImportance, of_writers_is_the_mean_over_a_block_of_the_rotation) {
  const Measured of;
  const Tensor before = of.before("mlp_output").square().view({-1, 32}).mean(1, true),
               after =
                   of.after(rotations(of.model, "hadamard:32@residual", "hadamard@value_output"),
                            "mlp_output");
  EXPECT_TRUE(at::allclose(after.square().view({-1, 32}), before.expand({-1, 32}), 1e-5, 1e-6));
}

TEST(FoldedImportance, of_values_is_mixed_inside_heads_and_that_of_queries_stays) {
  const Measured of;
  const Config& config = of.model.config;
  const Tensor before = of.before("attention_input"),
               after =
                   of.after(rotations(of.model, "hadamard:32@residual", "hadamard@value_output"),
                            "attention_input");
  const std::int64_t values = before.size(0) - config.key_value_heads * config.head_dimension;
  EXPECT_TRUE(at::allclose(after.slice(0, 0, values), before.slice(0, 0, values), 1e-6, 0));
  const auto by_head = [&](const Tensor& x) {
    return x.slice(0, values).square().view({config.key_value_heads, config.head_dimension});
  };
  EXPECT_TRUE(at::allclose(by_head(after),
                           by_head(before).mean(1, true).expand({-1, config.head_dimension}), 1e-5,
                           1e-6));
}

TEST(FoldedImportance, follows_a_stream_whose_channels_change_places) {
  const Measured of;
  const std::int64_t n = of.model.config.hidden;
  const Tensor order = at::randperm(n, at::kLong);
  Rotations moved;
  moved.layers.resize(of.model.config.layers);
  moved.residual = std::make_shared<const Orthogonal>(
      at::eye(n, at::kDouble).index_select(1, order).unsqueeze(0), "test");
  EXPECT_TRUE(at::allclose(of.after(moved, "attention_output"),
                           of.before("attention_output").index_select(0, order), 1e-6, 0));
}

TEST(FoldedImportance, is_none_where_none_was_measured) {
  const Measured of;
  const Rotations none;
  EXPECT_FALSE(FoldedImportance(nullptr, none, of.model)
                   .output_factors(of.stage("mlp_output"), 0)
                   .defined());
}

} // namespace
} // namespace latticelens
