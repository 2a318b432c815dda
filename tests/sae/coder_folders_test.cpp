// What is true of every form of coder folders.
#include "core/error.h"
#include "core/files.h"
#include "sae/coder_form.h"
#include "sae/coder_names.h"
#include "sae/reference_encode.h"
#include "tensor/safetensors.h"
#include "tests/sae/random_coder.h"
#include "tests/support.h"
#include "tests/tensor/byte_text.h"
#include <cmath>

namespace latticelens {
namespace {

using testing::random_coder;
using testing::TemporaryFolder;
using testing::write_raw;

constexpr Selection selections[] = {Selection::top_k, Selection::batch_top_k, Selection::threshold};
constexpr InputScaling scalings[] = {InputScaling::none, InputScaling::unit_norm,
                                     InputScaling::mean_norm};

bool holds(const CoderForm& form, Selection selection) {
  return std::string(form.name) != "sparsify" || selection == Selection::top_k;
}

bool same_bits(const Tensor& left, const Tensor& right) {
  if (!left.defined() || !right.defined())
    return left.defined() == right.defined();
  return left.sizes() == right.sizes() && left.view(at::kInt).equal(right.view(at::kInt));
}

void expect_same(const Coder& left, const Coder& right) {
  EXPECT_TRUE(same_bits(left.weights.encoder, right.weights.encoder));
  EXPECT_TRUE(same_bits(left.weights.encoder_bias, right.weights.encoder_bias));
  EXPECT_TRUE(same_bits(left.weights.decoder, right.weights.decoder));
  EXPECT_TRUE(same_bits(left.weights.bias, right.weights.bias));
  EXPECT_TRUE(same_bits(left.config.thresholds, right.config.thresholds));
  EXPECT_EQ(left.config.selection, right.config.selection);
  EXPECT_EQ(left.config.k, right.config.k);
  EXPECT_EQ(left.config.scaling, right.config.scaling);
  EXPECT_EQ(left.config.input_factor, right.config.input_factor);
  EXPECT_EQ(left.config.model, right.config.model);
  EXPECT_EQ(left.config.site, right.config.site);
  EXPECT_EQ(left.config.site_block, right.config.site_block);
}

const Json metadata = {{"step", 4000}, {"learning_rate", 3e-4}, {"data", {{"hash", "a1b2"}}}};

class CoderFolders : public ::testing::Test {
 protected:
  const std::filesystem::path& folder() const { return folder_.path(); }

 private:
  TemporaryFolder folder_;
};

TEST_F(CoderFolders, give_every_coder_back_to_the_bit_with_its_metadata) {
  for (const CoderForm& form : coder_forms())
    for (const Selection selection : selections)
      for (const InputScaling scaling : scalings) {
        if (!holds(form, selection))
          continue;
        SCOPED_TRACE(std::string(form.name) + " " + name_of(selection) + " " + name_of(scaling));
        const auto path = folder() / form.name / name_of(selection) / name_of(scaling);
        const Coder coder =
            random_coder(40, 12, {.selection = selection, .k = 5, .scaling = scaling});
        form.write({coder, metadata}, path);
        const StoredCoder back = read_coder(path);
        expect_same(back.coder, coder);
        EXPECT_EQ(back.metadata, metadata);
      }
}

TEST_F(CoderFolders, a_coder_takes_the_place_of_another_whatever_its_scaling) {
  for (const CoderForm& form : coder_forms())
    for (const InputScaling first : scalings)
      for (const InputScaling second : scalings) {
        if (first == second)
          continue;
        const auto path = folder() / form.name;
        form.write({random_coder(40, 12, {.k = 5, .scaling = first})}, path);
        const Coder coder = random_coder(24, 16, {.k = 3, .scaling = second}, /*seed=*/30);
        form.write({coder}, path);
        expect_same(read_coder(path).coder, coder);
      }
}

TEST_F(CoderFolders, the_same_coder_gives_the_same_bytes) {
  for (const CoderForm& form : coder_forms()) {
    const Coder coder = random_coder(40, 12, {.k = 5, .scaling = InputScaling::mean_norm});
    form.write({coder, metadata}, folder() / "a");
    form.write({coder, metadata}, folder() / "b");
    for (const char* file : {"cfg.json", "latticelens.safetensors", form.weights_file})
      EXPECT_EQ(read_text(folder() / "a" / file), read_text(folder() / "b" / file));
    std::filesystem::remove_all(folder() / "a");
  }
}

TEST_F(CoderFolders, biases_are_divided_where_another_program_wrote_the_folder_anew) {
  for (const CoderForm& form : coder_forms()) {
    const auto path = folder() / form.name;
    const Coder coder = random_coder(40, 12, {.k = 5, .scaling = InputScaling::mean_norm});
    form.write({coder}, path);
    std::filesystem::remove(path / "latticelens.safetensors");
    const Coder back = read_coder(path).coder;
    EXPECT_TRUE(same_bits(back.weights.encoder, coder.weights.encoder));
    EXPECT_TRUE(back.weights.bias.allclose(coder.weights.bias, 2e-7, 0));
    EXPECT_TRUE(back.weights.encoder_bias.allclose(coder.weights.encoder_bias, 2e-7, 0));
  }
}

TEST_F(CoderFolders, exact_biases_of_another_coder_are_refused) {
  for (const CoderForm& form : coder_forms()) {
    const CoderConfig config = {.k = 5, .scaling = InputScaling::mean_norm};
    form.write({random_coder(40, 12, config)}, folder() / "a" / form.name);
    form.write({random_coder(40, 12, config, /*seed=*/9)}, folder() / "b" / form.name);
    const char* file = "latticelens.safetensors";
    std::filesystem::copy(folder() / "b" / form.name / file, folder() / "a" / form.name / file,
                          std::filesystem::copy_options::overwrite_existing);
    EXPECT_ERROR(read_coder(folder() / "a" / form.name), "does not belong to the weights");
  }
}

TEST_F(CoderFolders, what_is_no_coder_is_not_written) {
  for (const CoderForm& form : coder_forms()) {
    const auto refuse = [&](const char* reason, auto change) {
      Coder coder = random_coder(40, 12, {.k = 5});
      change(coder);
      EXPECT_ERROR(form.write({coder}, folder() / "x"), reason);
      EXPECT_FALSE(std::filesystem::exists(folder() / "x"));
    };
    refuse("k is 0", [](Coder& coder) { coder.config.k = 0; });
    refuse("k is 41", [](Coder& coder) { coder.config.k = 41; });
    refuse("not finite", [](Coder& coder) { coder.weights.bias[3] = NAN; });
    refuse("should be [40]", [](Coder& coder) { coder.weights.encoder_bias = at::zeros({39}); });
    refuse("fp32",
           [](Coder& coder) { coder.weights.decoder = coder.weights.decoder.to(at::kHalf); });
    refuse("b_dec is missing", [](Coder& coder) { coder.weights.bias.reset(); });
    refuse("the encoder is no matrix", [](Coder& coder) { coder.weights.encoder.reset(); });
    refuse("factor", [](Coder& coder) {
      coder.config.scaling = InputScaling::mean_norm;
      coder.config.input_factor = 0;
    });
  }
}

TEST_F(CoderFolders, keys_of_the_layout_are_not_the_callers) {
  for (const CoderForm& form : coder_forms())
    EXPECT_ERROR(form.write({random_coder(40, 12, {.k = 5}), {{"latticelens", 1}}}, folder() / "x"),
                 "name it otherwise");
}

TEST_F(CoderFolders, a_folder_without_its_configuration_is_not_whole) {
  for (const CoderForm& form : coder_forms()) {
    form.write({random_coder(40, 12, {.k = 5})}, folder() / form.name);
    std::filesystem::remove(folder() / form.name / "cfg.json");
    EXPECT_ERROR(read_coder(folder() / form.name), "not whole");
  }
}

TEST_F(CoderFolders, folders_of_no_form_or_of_two_are_refused) {
  EXPECT_ERROR(read_coder(folder()), "sae_weights.safetensors or sae.safetensors");
  EXPECT_ERROR(read_coder(folder() / "absent"), "is no folder of an autoencoder");
  for (const CoderForm& form : coder_forms())
    write_text(folder() / form.weights_file, "");
  EXPECT_ERROR(read_coder(folder()), "several forms");
  EXPECT_ERROR(coder_form("pickle"), "saelens, sparsify");
}

/// Cuts of all files are errors; damaged bytes are, or give a coder; nothing crashes.
TEST_F(CoderFolders, damaged_files_are_errors) {
  for (const CoderForm& form : coder_forms()) {
    const auto path = folder() / form.name;
    form.write({random_coder(6, 4, {.k = 2, .scaling = InputScaling::mean_norm})}, path);
    for (const char* name : {form.weights_file, "latticelens.safetensors", "cfg.json"}) {
      const std::string whole = read_text(path / name);
      for (std::size_t size = 0; size < whole.size(); size += 29) {
        write_raw(path / name, whole.substr(0, size));
        if (size + 1 == whole.size())
          continue; // cfg.json without its last line break is whole
        EXPECT_THROW(read_coder(path), Error) << name << " " << size;
      }
      for (std::size_t place = 0; place < whole.size(); place += 19) {
        std::string damaged = whole;
        damaged[place] = static_cast<char>(damaged[place] ^ 0x15);
        write_raw(path / name, damaged);
        try {
          read_coder(path);
        } catch (const Error&) {
        }
      }
      write_raw(path / name, whole);
    }
  }
}

} // namespace
} // namespace latticelens
