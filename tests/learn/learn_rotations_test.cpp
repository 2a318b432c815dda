#include "learn/learn_rotations.h"

#include "core/error.h"
#include "core/files.h"
#include "core/run_directory.h"
#include "learn/learning_state.h"
#include "learn/lessons.h"
#include "tests/learn/learning_request.h"
#include "transforms/orthogonal.h"
#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <set>

namespace latticelens {
namespace {

namespace fs = std::filesystem;

std::string method_text(const std::string& learn, const std::string& activation = "mxfp4") {
  return "rotate=hadamard:32@residual,hadamard:32@value_output,hadamard:32@down_input learn=" +
         learn + " weight=mxfp4 activation=" + activation;
}

QuantizeRequest request_of(const Model& model, const std::string& learn) {
  return {.model = model,
          .method = parse_method(method_text(learn)),
          .calibration = testing::repeating_windows(model.config.vocabulary, 4, 64),
          .seed = 5,
          .quiet = true};
}

class LearnRotations : public ::testing::Test {
 protected:
  void SetUp() override {
    testing::write_tiny_model(folder_ / "model");
    model_ = open_plain_model(folder_ / "model");
  }
  /// learned.safetensors after learning in a folder of its own.
  std::string learned(const QuantizeRequest& request, const std::string& name) const {
    make_directory(folder_ / name);
    learn_rotations(request, folder_ / name);
    return read_text(folder_ / name / "learned.safetensors") +
           read_text(folder_ / name / "learning.jsonl");
  }

  testing::TemporaryFolder folder_;
  Model model_;
};

LearnSpec spec_of(std::int64_t tokens) {
  return parse_learnings("rotations:tokens=" + std::to_string(tokens)).front();
}

TEST(Lessons, every_part_comes_once_a_pass_but_those_held_out) {
  TokenWindows text{.ids = {}, .count = 5, .length = 8};
  for (int i = 0; i < 40; ++i)
    text.ids.push_back(i);
  for (const std::int64_t tokens : {4, 8}) {
    const Lessons lessons(text, spec_of(tokens), 1);
    const std::int64_t steps = (40 - tokens) / tokens;
    std::multiset<std::int64_t> seen;
    for (std::int64_t step = 0; step < 2 * steps; ++step)
      for (const Tensor& row : lessons.ids(step).unbind())
        seen.insert(row[0].item<std::int64_t>());
    EXPECT_EQ(lessons.ids(0).numel(), tokens);
    EXPECT_EQ(seen.count(lessons.held_out()[0][0].item<std::int64_t>()), 0u);
    for (const std::int64_t first : seen)
      EXPECT_EQ(seen.count(first), 2u);
  }
  EXPECT_EQ(Lessons(text, spec_of(16), 1).ids(0).sizes(), at::IntArrayRef({2, 8}));
  EXPECT_ERROR(Lessons(text, spec_of(24), 1), "twice as many");
  EXPECT_ERROR(Lessons(text, spec_of(12), 1), "no whole windows");
}

TEST_F(LearnRotations, a_run_that_was_cut_off_ends_in_the_same_bytes) {
  const QuantizeRequest request = request_of(model_, "rotations:steps=4,tokens=64,momentum=0.5");
  const std::string whole = learned(request, "whole");
  EXPECT_EQ(learned(request, "whole"), whole); // finished: nothing is done
  for (const std::int64_t steps : {1, 3}) {
    const fs::path folder = folder_ / ("cut" + std::to_string(steps));
    make_directory(folder);
    const auto cut = [&](std::int64_t done) {
      if (done == steps)
        throw std::runtime_error("cut off");
    };
    EXPECT_THROW(learn_rotations(request, folder, cut), std::runtime_error);
    EXPECT_EQ(read_lines(folder / "learning.jsonl").size(), static_cast<std::size_t>(steps) + 1);
    EXPECT_EQ(learned(request, folder.filename()), whole) << steps;
  }
}

TEST_F(LearnRotations, has_the_same_bytes_at_one_and_two_threads) {
  const QuantizeRequest request = request_of(model_, "rotations:steps=2,tokens=128,weights=1,kl=1");
  const int before = at::get_num_threads();
  at::set_num_threads(1);
  const std::string one = learned(request, "one");
  at::set_num_threads(2);
  EXPECT_EQ(learned(request, "two"), one);
  at::set_num_threads(before);
}

TEST_F(LearnRotations, what_is_learned_is_orthogonal_and_read_back) {
  QuantizeRequest request = request_of(model_, "rotations:steps=3,tokens=64");
  learned(request, "run");
  const LearnedRotations matrices = read_learned_rotations(request, folder_ / "run");
  EXPECT_EQ(matrices.residual.sizes(), at::IntArrayRef({2, 32, 32}));
  EXPECT_LT(orthogonality_error(matrices.residual), 1e-12);
  EXPECT_FALSE(at::equal(matrices.residual[0], matrices.residual[1])); // blocks of their own
  EXPECT_FALSE(at::equal(matrices.value_output[0], matrices.value_output[1]));
  request.method = parse_method(method_text("rotations:steps=5,tokens=64"));
  EXPECT_ERROR(read_learned_rotations(request, folder_ / "run"), "not finished");
  EXPECT_ERROR(read_learned_rotations(request, folder_ / "nowhere"), "absent");
  request.learned = nullptr;
  EXPECT_ERROR(rotations_of(request), "none are given");
}

TEST_F(LearnRotations, a_loss_that_is_not_finite_is_an_error_that_says_what_to_do) {
  auto weights = testing::tiny_weights({});
  for (auto& [name, tensor] : weights)
    if (name == "model.norm.weight")
      tensor.fill_(3e38);
  write_safetensors(folder_ / "model/model.safetensors", weights);
  make_directory(folder_ / "run");
  const Model model = open_plain_model(folder_ / "model");
  EXPECT_ERROR(learn_rotations(request_of(model, "rotations:steps=3,tokens=64"), folder_ / "run"),
               "the loss is not finite");
}

TEST_F(LearnRotations, another_runs_file_is_refused) {
  learned(request_of(model_, "rotations:steps=1,tokens=64"), "run");
  QuantizeRequest request = request_of(model_, "rotations:steps=2,tokens=64");
  request.method.transforms[0].size = 16;
  EXPECT_ERROR(learn_rotations(request, folder_ / "run"), "another shape");
}

TEST(LearnRotationsOfTinyStories, a_few_steps_lower_the_loss_on_tokens_held_out) {
  REQUIRE_DATA("models/TinyStories-656K");
  REQUIRE_DATA("text/botchan.txt");
  const fs::path path = testing::data_folder() / "models/TinyStories-656K";
  const Model model = open_plain_model(path);
  const std::string text = read_corpus({testing::data_folder() / "text/botchan.txt"});
  for (const char* options : {"weights=0", "weights=1", "kl=1"}) {
    const testing::TemporaryFolder folder;
    const QuantizeRequest request{
        .model = model,
        .method = parse_method(std::string("rotate=hadamard:32@residual,hadamard@value_output "
                                           "learn=rotations:steps=12,tokens=256,") +
                               options + " weight=mxfp4 activation=mxfp4"),
        .calibration = cut_windows(*open_tokenizer(path), text.substr(0, 40000), 256, 32),
        .quiet = true};
    learn_rotations(request, folder.path());
    const std::vector<Json> rows = read_lines(folder / "learning.jsonl");
    const auto loss = [](const Json& row) { return row["held_out_loss"].get<double>(); };
    EXPECT_LT(loss(rows.back()), loss(rows.front())) << options;
  }
}

} // namespace
} // namespace latticelens
