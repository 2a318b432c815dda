// export as a user runs it, on the smallest real model.
#include "core/json.h"
#include "model/tensors.h"
#include "tests/commands/errors.h"
#include "tests/support.h"
#include "tests/tiny_model.h"

namespace latticelens {
namespace {

using testing::run_program;

TEST(ExportCommand, a_gguf_file_is_evaluated_like_the_model_it_was_made_of) {
  REQUIRE_DATA("models/TinyStories-656K");
  const testing::TemporaryFolder folder;
  const std::string model = (testing::data_folder() / "models/TinyStories-656K").string(),
                    text = (testing::data_folder() / "reference/cs336/tinystories_sample.txt")
                               .string();
  const auto loss = [&](const std::string& path) {
    const auto outcome = run_program({"evaluate", path, "--text", text, "--windows", "2",
                                      "--window", "256", "--quiet", "--json"});
    EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
    return parse_json(outcome.out, "stdout")["mean_nll"].get<double>();
  };
  const auto file = [&](const std::string& name) { return (folder / name).string(); };
  const auto plain = run_program({"export", model, "--format", "gguf", "--type", "f32", "--out",
                                  file("a.gguf"), "--json", "--quiet"});
  ASSERT_EQ(plain.exit_code, 0) << plain.err;
  EXPECT_EQ(parse_json(plain.out, "stdout")["exact_linears"], 14);
  EXPECT_EQ(loss(file("a.gguf")), loss(model));
  // Rounded into the type: the run's own blocks go into the file.
  const auto rounded =
      run_program({"quantize", model, "--method", "weight=q4_0 rounding=gptq order=activation",
                   "--calibration", text, "--windows", "4", "--window", "256", "--out", file("run"),
                   "--dtype", "fp32", "--quiet"});
  ASSERT_EQ(rounded.exit_code, 0) << rounded.err;
  const auto exported = run_program(
      {"export", file("run"), "--format", "gguf", "--outer-type", "f32", "--out", file("b.gguf")});
  ASSERT_EQ(exported.exit_code, 0) << exported.err;
  EXPECT_NE(exported.out.find("14 linears in Q4_0"), std::string::npos) << exported.out;
  EXPECT_NE(exported.out.find("every linear keeps its values exactly"), std::string::npos);
  EXPECT_EQ(loss(file("b.gguf")), loss(file("run")));
  EXPECT_LT(loss(file("b.gguf")) - loss(model), 0.05);
}

TEST(ExportCommand, a_plain_folder_says_what_its_dtype_cost) {
  const testing::TemporaryFolder folder;
  testing::write_tiny_model(folder / "model");
  const auto exported = [&](const std::string& from, const std::string& out) {
    const auto outcome =
        run_program({"export", (folder / from).string(), "--out", (folder / out).string(),
                     "--dtype", "bf16", "--quiet", "--json"});
    EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
    return parse_json(outcome.out, "stdout");
  };
  const Json rounded = exported("model", "rounded"), kept = exported("rounded", "kept");
  EXPECT_LT(rounded["exact_tensors"], rounded["tensors"]);
  double error = 0, energy = 0;
  const auto before = open_safetensors_folder(folder / "model"),
             after = open_safetensors_folder(folder / "rounded");
  for (const std::string& name : after->names()) {
    const at::Tensor x = before->load(name).to(at::kDouble);
    error += (after->load(name).to(at::kDouble) - x).square().sum().item<double>();
    energy += x.square().sum().item<double>();
  }
  EXPECT_NEAR(rounded["relative_error"].get<double>() / (error / energy), 1, 1e-3);
  EXPECT_EQ(kept["exact_tensors"], kept["tensors"]);
  EXPECT_EQ(kept["relative_error"], 0);
}

TEST(ExportCommand, a_folder_in_many_files_is_the_model_in_one) {
  const testing::TemporaryFolder folder;
  testing::write_tiny_model(folder / "model");
  const auto file = [&](const std::string& name) { return (folder / name).string(); };
  const auto exported = [&](const std::string& out, const std::string& size) {
    const auto outcome = run_program({"export", file("model"), "--out", file(out), "--dtype",
                                      "fp32", "--shard-size", size, "--quiet", "--json"});
    EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
    EXPECT_GT(parse_json(outcome.out, "stdout")["peak_memory"], 0);
  };
  exported("one", "5GB");
  exported("many", "30KB");
  EXPECT_TRUE(std::filesystem::exists(folder / "one/model.safetensors"));
  EXPECT_FALSE(std::filesystem::exists(folder / "one/model.safetensors.index.json"));
  const auto one = open_safetensors_folder(folder / "one"),
             many = open_safetensors_folder(folder / "many");
  EXPECT_EQ(one->names(), many->names());
  for (const std::string& name : one->names())
    EXPECT_TRUE(at::equal(one->load(name), many->load(name))) << name;
  for (const auto& entry : std::filesystem::directory_iterator(folder / "many")) {
    const bool weights = entry.path().extension() == ".safetensors";
    EXPECT_TRUE(!weights || entry.file_size() < 32'000 ||
                SafetensorsFile(entry.path()).entries().size() == 1);
  }
  testing::expect_command_error(
      {"export", file("model"), "--out", file("none"), "--shard-size", "5 gigabytes"},
      "is no size; write a whole number");
  EXPECT_FALSE(std::filesystem::exists(folder / "none"));
}

TEST(ExportCommand, what_cannot_be_written_is_said_before_anything_is) {
  REQUIRE_DATA("models/TinyStories-656K");
  const testing::TemporaryFolder folder;
  const std::string model = (testing::data_folder() / "models/TinyStories-656K").string(),
                    out = (folder / "a.gguf").string();
  for (const std::vector<std::string>& options :
       {std::vector<std::string>{"--type", "q3_k"}, {"--type", "f32", "--outer-type", "no"}}) {
    std::vector<std::string> arguments = {"export", model, "--format", "gguf", "--out", out};
    arguments.insert(arguments.end(), options.begin(), options.end());
    const auto outcome = run_program(arguments);
    EXPECT_EQ(outcome.exit_code, 2);
    EXPECT_NE(outcome.err.find("known: f32"), std::string::npos) << outcome.err;
    EXPECT_FALSE(std::filesystem::exists(out));
  }
  const auto activation = run_program({"quantize", model, "--method", "weight=q4_0 activation=q4_0",
                                       "--out", (folder / "run").string()});
  EXPECT_EQ(activation.exit_code, 2);
  EXPECT_NE(activation.err.find("formats of weights only"), std::string::npos) << activation.err;
}

} // namespace
} // namespace latticelens
