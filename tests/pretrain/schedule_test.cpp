#include "core/error.h"
#include "pretrain/schedule.h"
#include "tests/support.h"

namespace latticelens {
namespace {

TEST(Schedule, rises_along_a_line_and_falls_to_a_tenth) {
  const Recipe recipe{.steps = 100, .rate = 2, .warm_up = 0.1};
  EXPECT_DOUBLE_EQ(learning_rate(recipe, 0), 0.2);
  EXPECT_DOUBLE_EQ(learning_rate(recipe, 9), 2);
  EXPECT_DOUBLE_EQ(learning_rate(recipe, 10), 2);
  EXPECT_NEAR(learning_rate(recipe, 55), 1.1, 1e-12); // halfway down
  EXPECT_NEAR(learning_rate(recipe, 100), 0.2, 1e-12);
  for (std::int64_t step = 10; step < 100; ++step)
    EXPECT_GT(learning_rate(recipe, step), learning_rate(recipe, step + 1));
}

TEST(Schedule, needs_no_warm_up) {
  const Recipe recipe{.steps = 1, .rate = 2, .warm_up = 0};
  EXPECT_DOUBLE_EQ(learning_rate(recipe, 0), 2);
}

TEST(Schedule, checkpoints_double_then_follow_at_equal_distance) {
  const Recipe recipe{.steps = 45, .every = 12};
  std::vector<std::int64_t> at;
  for (std::int64_t step = 0; step <= recipe.steps; ++step)
    if (is_checkpoint(recipe, step))
      at.push_back(step);
  EXPECT_EQ(at, (std::vector<std::int64_t>{0, 1, 2, 4, 8, 12, 24, 36, 45}));
}

TEST(Recipe, refuses_what_no_model_can_have) {
  const auto refused = [](auto change, const std::string& part) {
    Recipe recipe;
    change(recipe);
    EXPECT_ERROR(check_recipe(recipe), part);
  };
  refused([](Recipe& r) { r.heads = 7; }, "--heads 7");
  refused([](Recipe& r) { r.heads = 256, r.key_value_heads = 256; }, "even width");
  refused([](Recipe& r) { r.key_value_heads = 3; }, "--key-value-heads 3");
  refused([](Recipe& r) { r.window = 1; }, "--window 1");
  refused([](Recipe& r) { r.batch_tokens = 300; }, "--batch-tokens 300");
  refused([](Recipe& r) { r.layers = 0; }, "--layers 0");
  refused([](Recipe& r) { r.rate = 0; }, "--rate");
  refused([](Recipe& r) { r.warm_up = 1; }, "--warm-up");
  refused([](Recipe& r) { r.tokenizer = "words"; }, "--tokenizer words");
  check_recipe({});
}

} // namespace
} // namespace latticelens
