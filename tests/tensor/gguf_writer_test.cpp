#include "tensor/gguf_writer.h"

#include "core/error.h"
#include "tensor/gguf_blocks.h"
#include "tensor/tensor.h"
#include "tests/support.h"
#include <ATen/ATen.h>

namespace latticelens {
namespace {

using testing::TemporaryFolder;

const GgufMetadata metadata = {{"name", std::string("tiny 日本")},
                               {"count", std::int64_t{7}},
                               {"rate", 0.25},
                               {"flag", true},
                               {"ids", std::vector<std::int64_t>{3, -1}},
                               {"scores", std::vector<double>{0.5, -2}},
                               {"tokens", std::vector<std::string>{"a", ""}}};

TEST(GgufWriter, what_is_written_is_read_back) {
  const TemporaryFolder folder;
  const auto path = folder.path() / "a.gguf";
  const Tensor odd = at::arange(5, at::kFloat), matrix = at::randn({3, 64});
  const BlockType &f32 = *find_block_type("F32"), &q8 = *find_block_type("Q8_0");
  GgufWriter writer(path, metadata, {{"odd", &f32, {5}}, {"matrix", &q8, {3, 64}}});
  writer.write("odd", encode_blocks(f32, odd, {}));
  EXPECT_FALSE(std::filesystem::exists(path));
  EXPECT_THROW(writer.commit(), Error);
  const auto blocks = encode_blocks(q8, matrix, {});
  writer.write("matrix", blocks);
  writer.commit();
  const GgufFile file(path);
  for (const auto& [key, value] : metadata)
    EXPECT_EQ(file.metadata().at(key), value) << key;
  EXPECT_TRUE(at::equal(file.load("odd"), odd));
  EXPECT_TRUE(at::allclose(file.load("matrix"), matrix, 0, 0.02));
  const auto stored = file.tensors().at("matrix").bytes;
  EXPECT_TRUE(std::equal(stored.begin(), stored.end(), blocks.begin(), blocks.end()));
}

TEST(GgufWriter, refuses_what_the_format_cannot_hold) {
  const TemporaryFolder folder;
  const auto path = folder.path() / "a.gguf";
  const BlockType& q4 = *find_block_type("Q4_0");
  EXPECT_THROW(GgufWriter(path, {{"big", std::int64_t{1} << 32}}, {}), Error);
  EXPECT_THROW(GgufWriter(path, {}, {{"a", &q4, {2, 48}}}), Error);
  GgufWriter writer(path, {}, {{"a", &q4, {1, 32}}});
  EXPECT_THROW(writer.write("b", {}), Error);
  EXPECT_THROW(writer.write("a", {}), Error);
  EXPECT_THROW(encode_blocks(q4, at::randn({2, 48}), {}), Error);
  EXPECT_THROW(encode_blocks(*find_block_type("Q2_K"), at::randn({1, 256}), {}), Error);
  EXPECT_THROW(encode_blocks(q4, at::randn({2, 32}), at::ones({31})), Error);
}

TEST(GgufWriter, weights_of_a_row_serve_all_rows) {
  const BlockType& q4 = *find_block_type("Q4_0");
  const Tensor x = at::randn({3, 64}), weights = at::rand({64});
  EXPECT_EQ(encode_blocks(q4, x, weights), encode_blocks(q4, x, weights.expand({3, 64})));
}

} // namespace
} // namespace latticelens
