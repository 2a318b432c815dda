#include "core/error.h"
#include "core/json.h"
#include "core/run_directory.h"
#include "evaluate/language_model.h"
#include "quantize/export_dequantized.h"
#include "tests/commands/program.h"
#include "tests/support.h"
#include "tests/tiny_model.h"

namespace latticelens {
namespace {

using testing::folder_contents;
using testing::run_program;

/// A tiny model and a text in a folder that is gone at the end.
class QuantizeCommand : public ::testing::Test {
 protected:
  void SetUp() override {
    testing::write_tiny_model(folder_ / "model", {.layers = 4});
    std::string text;
    for (int i = 0; i < 200; ++i)
      text += "Line " + std::to_string(i * i) + " of a text that is only long enough.\n";
    write_text(folder_ / "text.txt", text);
  }
  std::string at(const std::string& name) const { return (folder_ / name).string(); }
  std::vector<std::string> command(const std::string& out,
                                   const std::string& preset = "brq") const {
    return {"quantize",     at("model"), "--preset", preset,      "--calibration",
            at("text.txt"), "--window",  "64",       "--windows", "20",
            "--out",        at(out),     "--quiet"};
  }
  std::vector<std::string> with_method(const std::string& out, const std::string& method) const {
    std::vector<std::string> arguments = command(out);
    arguments[2] = "--method";
    arguments[3] = "weight=mxfp4 activation=mxfp4 " + method;
    return arguments;
  }
  Tensor logits(const OpenedModel& opened) const {
    const Tensor ids = at::arange(48, at::kLong) * 31 % 96;
    return load_head(opened.model)(run_decoder(opened.model, {ids})[0]);
  }
  testing::TemporaryFolder folder_;
};

/// The preset's method, with little to learn.
std::string short_method(const Preset& preset) {
  Method method = preset_method(preset.name);
  for (LearnSpec& spec : method.learn) {
    spec.options["steps"] = 2;
    spec.options["tokens"] = 64;
  }
  return to_text(method);
}

TEST_F(QuantizeCommand, every_preset_runs_evaluates_and_says_so_in_json) {
  for (const Preset& preset : presets()) {
    const std::string out = std::string("run-") + preset.name, method = short_method(preset);
    std::vector<std::string> arguments = command(out, preset.name);
    if (method != preset.method) {
      arguments[2] = "--method";
      arguments[3] = method;
    }
    const auto made = run_program(arguments);
    ASSERT_EQ(made.exit_code, 0) << made.err;
    EXPECT_NE(made.out.find("peak memory"), std::string::npos);
    const auto evaluated =
        run_program({"evaluate", at(out), "--text", at("text.txt"), "--window", "64", "--windows",
                     "3", "--against", at("model"), "--json", "--quiet"});
    ASSERT_EQ(evaluated.exit_code, 0) << evaluated.err;
    const Json json = parse_json(evaluated.out, "stdout");
    EXPECT_EQ(json["windows"].size(), 3u);
    EXPECT_NEAR(json["perplexity"].get<double>(), std::exp(json["mean_nll"].get<double>()), 1e-9);
    EXPECT_GT(json["kl"].get<double>(), 0);
    EXPECT_GT(json["top1_agreement"].get<double>(), 0.2);
    EXPECT_EQ(json["method"], method);
  }
}

TEST_F(QuantizeCommand, the_same_command_gives_the_same_bytes_at_any_thread_count) {
  ASSERT_EQ(run_program(command("one"), "OMP_NUM_THREADS=1").exit_code, 0);
  ASSERT_EQ(run_program(command("two"), "OMP_NUM_THREADS=2").exit_code, 0);
  EXPECT_EQ(folder_contents(at("one/model")), folder_contents(at("two/model")));
  EXPECT_EQ(read_text(at("one/layers.jsonl")), read_text(at("two/layers.jsonl")));
}

TEST_F(QuantizeCommand, a_run_cut_off_after_any_block_continues_to_the_same_bytes) {
  ASSERT_EQ(run_program(command("whole")).exit_code, 0);
  const auto expected = folder_contents(at("whole/model"));
  for (int finished = 0; finished <= 4; ++finished) {
    std::filesystem::remove_all(at("cut"));
    std::filesystem::copy(at("whole"), at("cut"), std::filesystem::copy_options::recursive);
    for (int shard = finished; shard < 5; ++shard)
      std::filesystem::remove(
          at("cut/model/model-0000" + std::to_string(shard + 1) + "-of-00005.safetensors"));
    std::filesystem::remove(at("cut/model/config.json"));
    Json run = read_run(at("cut"));
    run["state"] = "running";
    write_text(at("cut/run.json"), run.dump());
    const auto continued = run_program(command("cut"));
    ASSERT_EQ(continued.exit_code, 0) << continued.err;
    EXPECT_EQ(folder_contents(at("cut/model")), expected) << finished;
    EXPECT_EQ(read_text(at("cut/layers.jsonl")), read_text(at("whole/layers.jsonl")));
    EXPECT_EQ(read_run(at("cut"))["resumed_blocks"], finished);
  }
}

TEST_F(QuantizeCommand, searches_and_the_mismatch_target_are_cut_off_and_threaded_like_the_rest) {
  for (const std::string method : {"rounding=kbest:4 order=min-pivot scales=search target=original",
                                   "rotate=aware:32@inputs rounding=gptq target=original",
                                   "rounding=portfolio:paths=2,pairs=1,damp=auto scales=static",
                                   "rounding=klein:2 target=original+drift"}) {
    for (const char* out : {"whole", "cut", "two"})
      std::filesystem::remove_all(at(out));
    ASSERT_EQ(run_program(with_method("whole", method), "OMP_NUM_THREADS=1").exit_code, 0);
    ASSERT_EQ(run_program(with_method("two", method), "OMP_NUM_THREADS=2").exit_code, 0);
    EXPECT_EQ(folder_contents(at("whole/model")), folder_contents(at("two/model"))) << method;
    EXPECT_EQ(read_text(at("whole/layers.jsonl")), read_text(at("two/layers.jsonl"))) << method;
    std::filesystem::copy(at("whole"), at("cut"), std::filesystem::copy_options::recursive);
    for (int shard = 2; shard < 5; ++shard)
      std::filesystem::remove(
          at("cut/model/model-0000" + std::to_string(shard + 1) + "-of-00005.safetensors"));
    Json run = read_run(at("cut"));
    run["state"] = "running";
    write_text(at("cut/run.json"), run.dump());
    ASSERT_EQ(run_program(with_method("cut", method)).exit_code, 0);
    EXPECT_EQ(folder_contents(at("cut/model")), folder_contents(at("whole/model"))) << method;
    EXPECT_EQ(read_text(at("cut/layers.jsonl")), read_text(at("whole/layers.jsonl"))) << method;
  }
}

TEST_F(QuantizeCommand, certificates_stand_in_layers_and_bound_the_error) {
  ASSERT_EQ(run_program(with_method("run", "rounding=kbest:4 order=min-pivot")).exit_code, 0);
  const std::vector<Json> rows = read_lines(at("run/layers.jsonl"));
  ASSERT_EQ(rows.size(), 28u);
  for (const Json& row : rows) {
    const Json& proof = row["certificate"];
    EXPECT_GT(proof["lower_bound"].get<double>(), 0);
    EXPECT_LE(proof["lower_bound"].get<double>(), proof["error"].get<double>());
    EXPECT_GE(proof["error"].get<double>(), row["error"].get<double>() * (1 - 1e-9)); // damped
    EXPECT_EQ(proof["profile"].size(), 33u);
  }
}

TEST_F(QuantizeCommand, says_what_rotations_do_to_the_scales_and_how_many_bits_a_weight_takes) {
  ASSERT_EQ(run_program(command("run")).exit_code, 0);
  EXPECT_EQ(read_json(at("run/run.json"))["bits_per_weight"], 4.25);
  const auto blocks = [](const Json& counts) {
    std::int64_t sum = 0;
    for (const Json& count : counts)
      sum += count.get<std::int64_t>();
    return sum;
  };
  for (const Json& row : read_lines(at("run/layers.jsonl"))) {
    const Json& effect = row["rotation"];
    EXPECT_EQ(blocks(effect["scale_exponents_before"]), blocks(row["scale_exponents"]));
    EXPECT_EQ(blocks(effect["scale_exponents_after"]), blocks(row["scale_exponents"]));
    EXPECT_GT(effect["energy_before"], 0);
  }
  ASSERT_EQ(run_program(command("plain", "rtn")).exit_code, 0);
  EXPECT_FALSE(read_lines(at("plain/layers.jsonl"))[0].contains("rotation"));
}

TEST_F(QuantizeCommand, roundings_that_leave_the_grid_have_a_file_form_of_their_own) {
  for (const char* rounding : {"rounding=hptq:bits=4.25", "rounding=ssqr:density=0.02"}) {
    const auto made = run_program(with_method("run", rounding));
    ASSERT_EQ(made.exit_code, 0) << rounding << made.err;
    const std::vector<Json> rows = read_lines(at("run/layers.jsonl"));
    for (const Json& row : rows) {
      EXPECT_GT(row["stage_bits"].get<double>(), 3.5);
      EXPECT_LT(row["stage_bits"].get<double>(), 6.5);
      EXPECT_FALSE(row.contains("certificate"));
      EXPECT_LT(row["error"].get<double>(), row["nearest_error"].get<double>());
    }
    const auto inspected =
        run_program({"inspect", at("run"), "--layer", "model.layers.1.mlp.down_proj", "--quiet"});
    EXPECT_EQ(inspected.exit_code, 0) << inspected.err;
    std::filesystem::remove_all(at("run"));
  }
}

TEST_F(QuantizeCommand, formats_of_every_kind_are_stored_and_read_back) {
  for (const std::string name : {"mxfp6-e3m2", "nvfp4", "bfp4:16", "int8"}) {
    std::vector<std::string> arguments = with_method("run", "");
    arguments[3] = "weight=" + name + " activation=" + name + " rounding=gptq";
    const auto made = run_program(arguments);
    ASSERT_EQ(made.exit_code, 0) << name << made.err;
    const auto evaluated = run_program({"evaluate", at("run"), "--text", at("text.txt"), "--window",
                                        "64", "--windows", "2", "--json", "--quiet"});
    ASSERT_EQ(evaluated.exit_code, 0) << name << evaluated.err;
    EXPECT_TRUE(std::isfinite(parse_json(evaluated.out, "stdout")["perplexity"].get<double>()))
        << name;
    std::filesystem::remove_all(at("run"));
  }
}

/// The folder as another program would have written it: nothing says how it was made.
void forget_how_it_was_made(const std::string& folder) {
  Json config = read_json(folder + "/config.json");
  config.erase("latticelens");
  write_text(folder + "/config.json", config.dump());
}

TEST_F(QuantizeCommand, folders_of_published_layouts_are_read_without_the_method_that_made_them) {
  const auto loss = [&](const std::string& path) {
    const auto evaluated = run_program({"evaluate", path, "--text", at("text.txt"), "--window",
                                        "64", "--windows", "2", "--json", "--quiet"});
    EXPECT_EQ(evaluated.exit_code, 0) << evaluated.err;
    return evaluated.exit_code == 0 ? parse_json(evaluated.out, "stdout")["mean_nll"].get<double>()
                                    : 0;
  };
  for (const std::string method :
       {"weight=mxfp4 activation=mxfp4/even", "weight=nvfp4 activation=nvfp4", "weight=nvfp4",
        "weight=mxfp8-e4m3 activation=mxfp8-e4m3/1.75", "weight=int4 activation=int4",
        "weight=bint4:32", "weight=int8 activation=int8"}) {
    std::vector<std::string> arguments = with_method("run", "");
    arguments[3] = method + " rounding=gptq";
    const auto made = run_program(arguments);
    ASSERT_EQ(made.exit_code, 0) << method << made.err;
    const double wanted = loss(at("run"));
    std::filesystem::rename(at("run/model"), at("alone"));
    forget_how_it_was_made(at("alone"));
    EXPECT_EQ(loss(at("alone")), wanted) << method;
    for (const char* folder : {"run", "alone"})
      std::filesystem::remove_all(at(folder));
  }
}

TEST_F(QuantizeCommand, nvfp4_inputs_need_text_or_a_scale_for_each_token) {
  const auto refused = run_program(
      {"quantize", at("model"), "--method", "weight=nvfp4 activation=nvfp4", "--out", at("run")});
  EXPECT_EQ(refused.exit_code, 2);
  EXPECT_NE(refused.err.find("--calibration"), std::string::npos) << refused.err;
  EXPECT_NE(refused.err.find("nvfp4/token"), std::string::npos) << refused.err;
}

TEST_F(QuantizeCommand, a_run_killed_again_and_again_ends_in_the_same_bytes) {
  ASSERT_EQ(run_program(command("whole")).exit_code, 0);
  int kills = 0;
  for (int delay = 150; delay < 700; delay += 50)
    kills += testing::run_and_kill(command("killed"), delay);
  EXPECT_GT(kills, 0);
  ASSERT_EQ(run_program(command("killed")).exit_code, 0);
  auto contents = folder_contents(at("killed/model"));
  std::erase_if(contents, [](const auto& file) { return file.first.ends_with(".partial"); });
  EXPECT_EQ(contents, folder_contents(at("whole/model")));
}

TEST_F(QuantizeCommand, a_run_killed_before_its_first_file_was_whole_begins_anew) {
  std::filesystem::create_directory(at("killed"));
  write_text(at("killed/.lock"), "");
  write_text(at("killed/run.json.partial"), "{\"identi");
  EXPECT_EQ(run_program(command("killed")).exit_code, 0);
}

TEST_F(QuantizeCommand, a_finished_run_is_recognised_and_another_in_its_folder_refused) {
  ASSERT_EQ(run_program(command("run")).exit_code, 0);
  auto arguments = command("run");
  arguments.pop_back();
  const auto again = run_program(arguments);
  EXPECT_EQ(again.exit_code, 0);
  EXPECT_NE(again.err.find("this run is finished; nothing to do"), std::string::npos);
  const auto other = run_program(command("run", "rtn"));
  EXPECT_EQ(other.exit_code, 2);
  EXPECT_NE(other.err.find("belongs to another run (method is"), std::string::npos) << other.err;
  const auto foreign = run_program(command("model"));
  EXPECT_EQ(foreign.exit_code, 2);
  EXPECT_NE(foreign.err.find("is not empty and holds no run.json"), std::string::npos)
      << foreign.err;
}

TEST_F(QuantizeCommand, the_exported_folder_read_back_gives_the_logits_of_the_rounded_weights) {
  ASSERT_EQ(run_program(command("run")).exit_code, 0);
  const OpenedModel packed = open_model(at("run"));
  EXPECT_TRUE(packed.quantized);
  export_dequantized(packed, at("plain"), {.storage = Storage::fp32});
  OpenedModel weights_only = open_model(at("run"));
  weights_only.model.load_to_run = {};
  weights_only.model.prepare = [&](Block& block) {
    install_activations(block, *weights_only.model.layout,
                        {.down_input = weights_only.activations.down_input});
  };
  EXPECT_LE((logits(open_model(at("plain"))) - logits(weights_only)).abs().max().item<double>(),
            1e-4);
  EXPECT_GT((logits(open_model(at("plain"))) - logits(packed)).abs().max().item<double>(), 1e-3);
}

TEST_F(QuantizeCommand, what_calibration_chooses_is_stored_and_exported_without_a_trace) {
  const Tensor original = logits(open_model(at("model")));
  int number = 0;
  for (const char* changes :
       {"rotate=aware:32@inputs",
        "permute=graded rotate=hadamard:32@residual,aware@value_output,aware:32@down_input",
        "permute=balanced:16 rotate=hadamard:16@residual,aware:32@inputs",
        "smooth=0.5 rotate=aware@value_output,hadamard:32@down_input"}) {
    SCOPED_TRACE(changes);
    const std::string run = "run" + std::to_string(++number), plain = run + "-plain";
    std::vector<std::string> arguments = with_method(run, "");
    arguments[3] = std::string("weight=mxint8 activation=none rounding=gptq ") + changes;
    const auto outcome = run_program(arguments);
    ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
    ASSERT_EQ(run_program({"export", at(run), "--out", at(plain), "--dtype", "fp32"}).exit_code, 0);
    const Tensor ours = logits(open_model(at(run)));
    EXPECT_LT((logits(open_model(at(plain))) - ours).abs().max().item<double>(), 2e-3);
    EXPECT_LT((ours - original).abs().mean().item<double>(), 0.1 * original.std().item<double>());
    const auto inspected =
        run_program({"inspect", at(run), "--layer", "model.layers.1.mlp.down_proj", "--quiet"});
    EXPECT_EQ(inspected.exit_code, 0) << inspected.err;
  }
}

TEST_F(QuantizeCommand, transforms_that_cannot_be_are_refused_in_one_line) {
  for (const auto& [method, part] : std::vector<std::pair<std::string, std::string>>{
           {"rotate=aware:32@inputs,hadamard:32@down_input", "down_input is one of inputs"},
           {"rotate=aware:48@inputs rounding=gptq", "do not divide the width 64"},
           {"rotate=aware:32@residual", "cannot act at this site"},
           {"permute=balanced:48", "do not divide the stream's width 64"},
           {"permute=sorted", "known: graded, balanced"},
           {"smooth=1.5", "between 0 and 1"},
           {"smooth=0.5 rotate=hadamard@residual", "leave one of them out"},
           {"kv=mxfp4:64", "do not divide the head dimension 32; write for example kv=mxfp4:32"},
           {"rotate=hadamard@query_key", "write kv=FORMAT, or leave it out"}}) {
    std::vector<std::string> arguments = with_method("refused", "");
    arguments[3] = "weight=mxfp4 " + method;
    const auto outcome = run_program(arguments);
    EXPECT_EQ(outcome.exit_code, 2) << method;
    EXPECT_NE(outcome.err.find(part), std::string::npos) << method << ": " << outcome.err;
  }
}

TEST_F(QuantizeCommand, a_quantized_cache_is_evaluated_and_left_out_of_the_export) {
  const auto perplexity = [&](const std::string& path) {
    const auto outcome = run_program({"evaluate", at(path), "--text", at("text.txt"), "--window",
                                      "64", "--windows", "3", "--json", "--quiet"});
    EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
    return parse_json(outcome.out, "stdout");
  };
  std::map<std::string, Json> of;
  for (const auto& [name, kv] : std::map<std::string, std::string>{
           {"none", ""}, {"kv", "kv=mxfp4"}, {"r3", "kv=mxfp4 rotate=hadamard@query_key"}}) {
    std::vector<std::string> arguments = with_method(name, "");
    arguments[3] = "weight=mxint8 activation=none rounding=nearest " + kv;
    ASSERT_EQ(run_program(arguments).exit_code, 0);
    of[name] = perplexity(name);
  }
  EXPECT_FALSE(of["none"].contains("activations"));
  EXPECT_GT(of["kv"]["activations"]["values"], 0);
  EXPECT_NE(of["kv"]["perplexity"], of["none"]["perplexity"]);
  EXPECT_NE(of["kv"]["perplexity"], of["r3"]["perplexity"]);
  const auto exported = run_program({"export", at("kv"), "--out", at("plain"), "--dtype", "fp32"});
  ASSERT_EQ(exported.exit_code, 0) << exported.err;
  EXPECT_NE(exported.out.find("not in what was written: kv=mxfp4"), std::string::npos)
      << exported.out;
  EXPECT_NEAR(perplexity("plain")["mean_nll"].get<double>(), of["none"]["mean_nll"].get<double>(),
              1e-4);
}

TEST_F(QuantizeCommand, packed_products_give_the_logits_of_the_simulation_in_fp32) {
  ASSERT_EQ(run_program(command("run")).exit_code, 0);
  const OpenedModel packed = open_model(at("run"));
  OpenedModel simulated = packed;
  simulated.model.load_to_run = {};
  const Block block = load_block_to_run(packed.model, 0), plain = load_block(packed.model, 0);
  for (const auto& [name, linear] : block.linears) {
    EXPECT_TRUE(linear.product) << name;
    EXPECT_FALSE(linear.weight.defined()) << name;
    EXPECT_TRUE(plain.linears.at(name).weight.defined()) << name;
  }
  const Tensor wanted = logits(simulated), difference = logits(packed) - wanted;
  EXPECT_LT(difference.abs().max().item<double>(), 1e-4 * wanted.abs().max().item<double>());
}

TEST_F(QuantizeCommand, a_weight_with_outliers_beside_its_codes_runs_with_them) {
  const auto outcome = run_program(with_method("run", "rounding=ssqr"));
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  const OpenedModel opened = open_model(at("run"));
  OpenedModel simulated = opened;
  simulated.model.load_to_run = {};
  EXPECT_TRUE(at::equal(logits(opened), logits(simulated)));
}

TEST_F(QuantizeCommand, bf16_calibration_activations_are_an_option) {
  auto arguments = command("bf16");
  arguments.insert(arguments.end(), {"--calibration-dtype", "bf16"});
  EXPECT_EQ(run_program(arguments).exit_code, 0);
  EXPECT_EQ(read_run(at("bf16"))["identity"]["calibration_dtype"], "bf16");
}

} // namespace
} // namespace latticelens
