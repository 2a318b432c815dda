// inspect and reduce on a real run of a tiny model.
#include "core/run_directory.h"
#include "tests/commands/program.h"
#include "tests/support.h"
#include "tests/tiny_model.h"

namespace latticelens {
namespace {

using testing::run_program;

class InspectCommand : public ::testing::Test {
 protected:
  void SetUp() override {
    testing::write_tiny_model(folder_ / "model", {.layers = 2});
    std::string text;
    for (int i = 0; i < 200; ++i)
      text += "Line " + std::to_string(i * i) + " of a text that is only long enough.\n";
    write_text(folder_ / "text.txt", text);
    const auto made =
        run_program({"quantize", at("model"), "--method",
                     "weight=mxfp4 rounding=gptq order=min-pivot", "--calibration", at("text.txt"),
                     "--window", "64", "--windows", "8", "--out", at("run"), "--quiet"});
    ASSERT_EQ(made.exit_code, 0) << made.err;
  }
  std::string at(const std::string& name) const { return (folder_ / name).string(); }
  testing::TemporaryFolder folder_;
};

TEST_F(InspectCommand, shows_what_the_run_recorded) {
  const auto outcome = run_program({"inspect", at("run")});
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_NE(outcome.out.find("model.layers.1.mlp.down_proj"), std::string::npos);
  EXPECT_NE(outcome.out.find("dB"), std::string::npos);
  const Json rows = parse_json(run_program({"inspect", at("run"), "--json"}).out, "stdout");
  EXPECT_EQ(rows.size(), 14u);
}

TEST_F(InspectCommand, revisits_a_layer_with_the_moments_that_the_run_had) {
  const std::string name = "model.layers.1.mlp.down_proj";
  const auto outcome = run_program({"inspect", at("run"), "--layer", name, "--json", "--quiet",
                                    "--save", at("layer.safetensors"), "--try", "gptq min-pivot",
                                    "--try", "kbest:8 min-pivot search", "--try", "ssqr"});
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  const Json seen = parse_json(outcome.out, "stdout")["linears"][0];
  for (const Json& row : read_lines(at("run/layers.jsonl")))
    if (row["layer"] == 1 && row["linear"] == "mlp.down_proj") {
      EXPECT_DOUBLE_EQ(seen["error"].get<double>(), row["error"].get<double>());
      EXPECT_NEAR(seen["certificate"]["error"].get<double>(),
                  row["certificate"]["error"].get<double>(), 1e-9 * row["error"].get<double>());
      EXPECT_GE(seen["certificate"]["lower_bound"].get<double>(),
                0.9 * row["certificate"]["lower_bound"].get<double>());
    }
  // The run's own method, tried again, leaves the run's own error.
  EXPECT_DOUBLE_EQ(seen["alternatives"][0]["error"].get<double>(), seen["error"].get<double>());
  EXPECT_LT(seen["alternatives"][1]["error"].get<double>(), seen["error"].get<double>());
  EXPECT_GT(seen["alternatives"][2]["bits"].get<double>(), 4.25);

  const auto of_run = run_program({"reduce", at("run"), "--layer", name, "--json"});
  const auto of_file = run_program({"reduce", at("layer.safetensors"), "--json"});
  ASSERT_EQ(of_run.exit_code, 0) << of_run.err;
  EXPECT_EQ(parse_json(of_run.out, "stdout")["after"], parse_json(of_file.out, "stdout")["after"]);
  EXPECT_EQ(parse_json(of_run.out, "stdout")["rounding"],
            parse_json(of_file.out, "stdout")["rounding"]);
  for (const char* method : {"lll", "deep"}) {
    const auto reduced =
        run_program({"reduce", at("layer.safetensors"), "--method", method, "--damp", "0.0001",
                     "--json", "--out", at("reduced.safetensors")});
    ASSERT_EQ(reduced.exit_code, 0) << reduced.err;
    const Json json = parse_json(reduced.out, "stdout");
    EXPECT_EQ(json["n"], 96);
    EXPECT_LE(json["after"]["profile_ratio"].get<double>(),
              json["before"]["profile_ratio"].get<double>() + 1e-9);
    EXPECT_LT(json["determinant_error"].get<double>(), 1e-9);
    EXPECT_GT(json["rounding"]["reduced"]["error"].get<double>(), 0);
    const SafetensorsFile file(at("reduced.safetensors"));
    EXPECT_EQ(file.load("transform").size(0), 96);
  }
}

TEST_F(InspectCommand, compares_roundings_over_all_linears) {
  const auto outcome = run_program({"inspect", at("run"), "--compare", "--quiet", "--try", "gptq",
                                    "--try", "descent min-pivot"});
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_NE(outcome.out.find("weighted error of 14 linears, relative to gptq"), std::string::npos)
      << outcome.out;
}

TEST_F(InspectCommand, errors_say_what_to_do) {
  const auto expect = [&](const std::vector<std::string>& arguments, const char* part) {
    const auto outcome = run_program(arguments);
    EXPECT_EQ(outcome.exit_code, 2);
    EXPECT_NE(outcome.err.find(part), std::string::npos) << outcome.err;
  };
  expect({"inspect", at("run"), "--layer", "model.layers.9.mlp.down_proj"}, "names look like");
  expect({"inspect", at("run"), "--save", at("x")}, "give --layer NAME");
  expect({"inspect", at("run"), "--layer", "model.layers.0.mlp.down_proj", "--try", "best"},
         "\"best\" is unknown");
  expect({"inspect", at("model")}, "run.json");
  write_text(folder_ / "other.txt", std::string(4000, 'x'));
  expect({"inspect", at("run"), "--compare", "--calibration", at("other.txt")},
         "is not the text that the run was calibrated on");
  expect({"reduce", at("run")}, "give --layer NAME");
  expect({"reduce", at("text.txt")}, "text.txt");
  expect({"reduce", at("model/model.safetensors")}, "neither h [n, n]");
}

} // namespace
} // namespace latticelens
