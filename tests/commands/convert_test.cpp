// convert as a user runs it: from form to form and back, and what it refuses.
#include "core/files.h"
#include "core/json.h"
#include "tests/commands/program.h"
#include "tests/support.h"
#include <cmath>

namespace latticelens {
namespace {

using testing::run_program;

class ConvertCommand : public ::testing::Test {
 protected:
  void SetUp() override { REQUIRE_DATA("models/TinyStories-656K"); }

  std::string at(const std::string& name) const { return (folder_ / name).string(); }

  double loss(const std::string& path) const {
    const auto outcome = run_program({"evaluate", path, "--text", text_, "--windows", "2",
                                      "--window", "128", "--quiet", "--json"});
    EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
    return outcome.exit_code == 0 ? parse_json(outcome.out, "stdout")["mean_nll"].get<double>() : 0;
  }

  std::string quantized(const std::string& method) const {
    const auto made =
        run_program({"quantize", model_, "--method", method, "--calibration", text_, "--windows",
                     "2", "--window", "128", "--dtype", "fp32", "--out", at("run"), "--quiet"});
    EXPECT_EQ(made.exit_code, 0) << made.err;
    return at("run");
  }

  /// Exit code 0 and every linear exact.
  void converted(const std::string& from, const std::string& form, const std::string& to,
                 const std::vector<std::string>& more = {}) const {
    std::vector<std::string> arguments = {"convert", from,      "--to", form,      "--out",
                                          to,        "--dtype", "fp32", "--quiet", "--json"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    const auto outcome = run_program(arguments);
    ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
    const Json result = parse_json(outcome.out, "stdout");
    const Json none = nullptr; // of plain folders
    EXPECT_EQ(result.value("exact_linears", none), result.value("linears", none)) << outcome.out;
  }

  std::string refused(const std::vector<std::string>& arguments) const {
    const auto outcome = run_program(arguments);
    EXPECT_EQ(outcome.exit_code, 2) << outcome.out;
    return outcome.err;
  }

  testing::TemporaryFolder folder_;
  const std::string model_ = (testing::data_folder() / "models/TinyStories-656K").string();
  const std::string text_ =
      (testing::data_folder() / "reference/cs336/tinystories_sample.txt").string();
};

TEST_F(ConvertCommand, scales_of_our_own_choice_survive_every_form) {
  for (const std::string weight : {"mxfp4/7.25", "nvfp4/four-over-six", "bint4:32", "bint8:32"}) {
    const double wanted = loss(quantized("weight=" + weight + " rounding=gptq"));
    converted(at("run"), "gguf", at("a.gguf"));
    EXPECT_EQ(loss(at("a.gguf")), wanted) << weight;
    converted(at("a.gguf"), "compressed-tensors", at("packed"));
    EXPECT_EQ(loss(at("packed")), wanted) << weight;
    converted(at("packed"), "gguf", at("b.gguf"));
    EXPECT_EQ(loss(at("b.gguf")), wanted) << weight;
    converted(at("packed"), "plain", at("plain"));
    EXPECT_EQ(loss(at("plain")), wanted) << weight;
    for (const char* name : {"run", "a.gguf", "packed", "b.gguf", "plain"})
      std::filesystem::remove_all(at(name));
  }
}

TEST_F(ConvertCommand, blocks_that_llama_cpp_wrote_become_packed_weights) {
  for (const std::string type : {"q4_0", "q8_0"}) { // Q4_0's scales may be negative
    const auto made = run_program(
        {"export", model_, "--format", "gguf", "--type", type, "--out", at("a.gguf"), "--quiet"});
    ASSERT_EQ(made.exit_code, 0) << made.err;
    converted(at("a.gguf"), "compressed-tensors", at("packed"));
    EXPECT_EQ(loss(at("packed")), loss(at("a.gguf"))) << type;
    std::filesystem::remove_all(at("a.gguf"));
    std::filesystem::remove_all(at("packed"));
  }
}

TEST_F(ConvertCommand, quantized_inputs_go_along_where_a_layout_has_them) {
  const double wanted =
      loss(quantized("rotate=hadamard:32@down_input weight=nvfp4 activation=nvfp4"));
  converted(at("run"), "compressed-tensors", at("packed"));
  EXPECT_EQ(loss(at("packed")), wanted);
  const auto plain = run_program(
      {"export", at("run"), "--format", "plain", "--out", at("plain"), "--quiet", "--json"});
  EXPECT_EQ(parse_json(plain.out, "stdout")["left_out"], Json::array({"activation=nvfp4"}));
}

TEST_F(ConvertCommand, values_beside_the_codes_of_nvfp4_are_rounded_without_its_second_scale) {
  const double wanted = loss(quantized("weight=nvfp4 rounding=ssqr:density=0.02"));
  const auto outcome = run_program({"export", at("run"), "--format", "gguf", "--type", "nvfp4",
                                    "--out", at("a.gguf"), "--quiet"});
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_LT(std::fabs(loss(at("a.gguf")) - wanted), 0.2);
}

TEST_F(ConvertCommand, inputs_around_their_mean_have_no_place_and_are_named) {
  quantized("weight=mxfp4 activation=mxfp4 centre=mean");
  const auto outcome = run_program({"convert", at("run"), "--to", "compressed-tensors", "--dtype",
                                    "fp32", "--out", at("packed"), "--quiet", "--json"});
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  const Json result = parse_json(outcome.out, "stdout");
  EXPECT_TRUE(result["activation"].is_null());
  EXPECT_EQ(result["left_out"], Json::array({"activation=mxfp4", "centre=mean"}));
}

TEST_F(ConvertCommand, narrow_rows_count_with_the_bits_of_the_type_that_they_take) {
  quantized("weight=q4_k"); // rows of 128 and 384 are no superblocks: Q5_0
  EXPECT_EQ(read_json(at("run") + "/run.json")["bits_per_weight"], 5.5);
}

TEST_F(ConvertCommand, what_would_change_a_value_is_refused_with_what_keeps_it) {
  const auto to = [&](const std::string& from, const char* form,
                      const std::vector<std::string>& more = {}) {
    std::vector<std::string> arguments = {"convert", from, "--to", form, "--out", at("out")};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return arguments;
  };
  EXPECT_NE(refused(to(model_, "compressed-tensors")).find("stored as F32"), std::string::npos);
  EXPECT_NE(
      refused(to(model_, "compressed-tensors", {"--type", "mxfp4"})).find("no codes of mxfp4"),
      std::string::npos);
  EXPECT_NE(refused(to(model_, "gguf", {"--type", "q8_0"})).find("no codes of Q8_0"),
            std::string::npos);
  EXPECT_FALSE(std::filesystem::exists(at("out")) && std::filesystem::is_regular_file(at("out")));
  quantized("rotate=hadamard:32@down_input weight=mxfp4");
  EXPECT_NE(refused(to(at("run"), "gguf")).find("--type f32"), std::string::npos);
  std::filesystem::remove_all(at("run"));
  quantized("rotate=aware:32@inputs weight=mxfp4");
  EXPECT_NE(refused(to(at("run"), "compressed-tensors")).find("the form plain"), std::string::npos);
}

} // namespace
} // namespace latticelens
