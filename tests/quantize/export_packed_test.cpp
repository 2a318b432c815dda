// Packed folders of every form: written from runs, read back to the same numbers, and what they
// refuse.
#include "quantize/export_packed.h"

#include "core/error.h"
#include "quantize/layer_loop.h"
#include "tests/support.h"
#include "tests/tiny_family.h"

namespace latticelens {
namespace {

Tensor logits(const Model& model) {
  const Tensor ids = at::arange(48, at::kLong) * 31 % model.config.vocabulary;
  return load_head(model)(run_decoder(model, {ids})[0]);
}

class PackedForms : public ::testing::Test {
 protected:
  std::filesystem::path at(const std::string& name) const { return folder_ / name; }

  OpenedModel quantized(const std::string& family, const std::string& method) const {
    testing::write_tiny_family(at(family), family_of_model_type(family, "test"),
                               [](const Tensor& weight) { return weight; });
    const Model model = open_plain_model(at(family));
    const QuantizeRequest request{.model = model,
                                  .method = parse_method(method + " rounding=nearest"),
                                  .storage = Storage::fp32,
                                  .quiet = true};
    const std::filesystem::path folder = at(text_hash(family + method));
    RunDirectory run(folder, {{"method", method}});
    run.write(false, Json::object());
    quantize_blocks_of(request, run);
    return open_model(run.model());
  }

  PackedSummary write(const OpenedModel& opened, const PackedForm& form, const std::string& name,
                      bool exact = true, const std::string& type = "") const {
    return export_packed(
        opened, form, at(name),
        {.target = form.choose(opened, type), .storage = Storage::fp32, .exact = exact});
  }

  testing::TemporaryFolder folder_;
};

TEST_F(PackedForms, a_run_comes_back_with_the_same_logits) {
  const struct {
    const char *family, *method;
    const PackedForm& form;
  } rows[] = {
      {"llama", "weight=mxfp4/7.25", compressed_tensors_form()},
      {"qwen2", "weight=int4", compressed_tensors_form()},
      {"mixtral", "weight=nvfp4", compressed_tensors_form()},
      {"llama", "rotate=hadamard:32@down_input weight=mxfp8-e4m3", compressed_tensors_form()},
      {"llama", "weight=mxfp4", fp_quant_form()},
      {"llama", "rotate=hadamard:32@inputs weight=mxfp4/7.25", fp_quant_form()},
      {"gpt_oss", "weight=mxfp4/7.25", gpt_oss_form()}};
  int count = 0;
  for (const auto& row : rows) {
    const OpenedModel opened = quantized(row.family, row.method);
    const std::string name = "packed-" + std::to_string(count++);
    const PackedSummary summary = write(opened, row.form, name);
    EXPECT_EQ(summary.exact, summary.linears);
    EXPECT_GT(summary.linears, 0);
    EXPECT_TRUE(at::equal(logits(open_model(at(name)).model), logits(opened.model)))
        << row.family << row.method << row.form.name;
  }
}

TEST_F(PackedForms, what_a_form_has_no_place_for_is_refused_with_one_that_has) {
  const OpenedModel rotated = quantized("llama", "rotate=hadamard:32@down_input weight=mxfp4"),
                    two_scales = quantized("llama", "weight=nvfp4"),
                    experts = quantized("gpt_oss", "weight=mxfp4"),
                    inputs = quantized("llama", "rotate=hadamard:32@inputs weight=mxfp4");
  EXPECT_ERROR(fp_quant_form().choose(rotated, ""), "the form compressed-tensors");
  EXPECT_ERROR(fp_quant_form().choose(two_scales, ""), "the form compressed-tensors");
  EXPECT_ERROR(fp_quant_form().choose(experts, ""), "the form gpt-oss");
  EXPECT_ERROR(gpt_oss_form().choose(rotated, ""), "of the gpt-oss architecture");
  EXPECT_ERROR(gpt_oss_form().choose(experts, "nvfp4"), "not nvfp4");
  EXPECT_ERROR(compressed_tensors_form().choose(inputs, ""), "the form plain");
  EXPECT_ERROR(compressed_tensors_form().choose(experts, ""), "the form gpt-oss");
  EXPECT_ERROR(compressed_tensors_form().choose(rotated, "mxint4"), "known: mxfp4");
}

TEST_F(PackedForms, values_between_the_codes_are_rounded_or_refused) {
  testing::write_tiny_family(at("llama"), family_of_model_type("llama", "test"),
                             [](const Tensor& weight) { return weight; });
  const OpenedModel plain = open_model(at("llama"));
  EXPECT_ERROR(write(plain, compressed_tensors_form(), "a", true, "mxfp4"), "no codes of mxfp4");
  EXPECT_FALSE(std::filesystem::exists(at("a") / "config.json"));
  const PackedSummary rounded = write(plain, compressed_tensors_form(), "b", false, "mxfp4");
  EXPECT_EQ(rounded.exact, 0);
  EXPECT_GT(rounded.error, 0);
  EXPECT_LT(rounded.error, 0.05 * rounded.energy);
}

TEST_F(PackedForms, a_damaged_fp_quant_folder_is_an_error) {
  write(quantized("llama", "rotate=hadamard:32@inputs weight=mxfp4"), fp_quant_form(), "packed");
  const std::filesystem::path file = at("packed") / "model.safetensors";
  const auto with = [&](const std::string& end, const Tensor& tensor) {
    std::vector<std::pair<std::string, Tensor>> tensors;
    const SafetensorsFile stored(file);
    for (const auto& [name, entry] : stored.entries())
      tensors.emplace_back(name, name.ends_with(end) ? tensor : stored.load(name).clone());
    std::filesystem::remove_all(at("damaged"));
    std::filesystem::copy(at("packed"), at("damaged"));
    write_safetensors(at("damaged") / "model.safetensors", tensors);
    return open_model(at("damaged"));
  };
  EXPECT_ERROR(logits(with("forward_hadamard_matrix", at::eye(32, at::kBFloat16)).model),
               "another matrix than Hadamard's");
  EXPECT_ERROR(logits(with("weight_global_scale", at::zeros({1}, at::kBFloat16)).model),
               "no positive number");
  // A factor of three, as FP-Quant itself writes it: values, no codes of MXFP4.
  const OpenedModel scaled = with("weight_global_scale", at::full({1}, 3, at::kBFloat16));
  EXPECT_TRUE(logits(scaled.model).isfinite().all().item<bool>());
}

} // namespace
} // namespace latticelens
