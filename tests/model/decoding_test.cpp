// A text read piece by piece against the same text read at once.
#include "model/decoding.h"

#include "core/error.h"
#include "tests/support.h"
#include "tests/tiny_family.h"

namespace latticelens {
namespace {

Model tiny_model(const testing::TemporaryFolder& folder, const Family& family) {
  testing::write_tiny_family(folder / family.name, family, [](const Tensor& w) { return w; });
  return open_plain_model(folder / family.name);
}

const Tensor text = at::arange(40, at::kLong) * 31 % 96;

/// Logits [t, vocabulary] of the whole text at once.
Tensor at_once(const Model& model) {
  return load_head(model)(run_decoder(model, {text})[0]);
}

TEST(Decoding, every_family_says_the_same_piece_by_piece_and_at_once) {
  const testing::TemporaryFolder folder;
  for (const Family& family : families()) {
    const Model model = tiny_model(folder, family);
    const Tensor expected = at_once(model);
    Decoding decoding(model, text.numel());
    std::int64_t end = 0;
    for (const std::int64_t piece : {17, 1, 1, 3, 1, 17}) { // windows of 12 keys end inside
      const Tensor logits = decoding.read(text.slice(0, end, end + piece));
      end += piece;
      EXPECT_LE((logits - expected[end - 1]).abs().max().item<double>(), 2e-5)
          << family.name << " after " << end;
    }
    EXPECT_EQ(decoding.tokens(), text.numel());
    decoding.restart();
    EXPECT_LE((decoding.read(text.slice(0, 0, 5)) - expected[4]).abs().max().item<double>(), 2e-5);
  }
}

TEST(Decoding, functions_of_heads_act_on_what_is_kept) {
  const testing::TemporaryFolder folder;
  Model model = tiny_model(folder, family_of_model_type("llama", "test"));
  const Tensor plain = at_once(model);
  model.prepare = [](Block& block) {
    block.heads.keys = [](const Tensor& x) { return x * 0.5; };
    block.heads.values = [](const Tensor& x) { return x.round(); };
  };
  const Tensor expected = at_once(model);
  EXPECT_GT((expected - plain).abs().max().item<double>(), 1e-2);
  Decoding decoding(model, text.numel());
  decoding.read(text.slice(0, 0, 30));
  const Tensor logits = decoding.read(text.slice(0, 30));
  EXPECT_LE((logits - expected[39]).abs().max().item<double>(), 2e-5);
}

TEST(Decoding, a_full_cache_is_an_error) {
  const testing::TemporaryFolder folder;
  const Model model = tiny_model(folder, family_of_model_type("llama", "test"));
  Decoding decoding(model, 4);
  decoding.read(text.slice(0, 0, 3));
  EXPECT_ERROR(decoding.read(text.slice(0, 3, 5)), "more than the 4 tokens that room was made for");
}

} // namespace
} // namespace latticelens
