// Encoding a few rows at a time against encoding the whole matrix in fp32.
#include "tensor/gguf_rows.h"

#include "core/error.h"
#include "tensor/gguf_blocks.h"
#include "tensor/gguf_writer.h"
#include "tests/support.h"
#include <ATen/ATen.h>
#include <ATen/Parallel.h>

namespace latticelens {
namespace {

TEST(GgufRows, every_type_gets_the_bytes_and_errors_of_the_whole_matrix) {
  at::manual_seed(3);
  for (const BlockType& type : block_types()) {
    if (!type.encode)
      continue;
    SCOPED_TRACE(type.name);
    for (const auto dtype : {at::kFloat, at::kBFloat16, at::kHalf})
      for (const std::int64_t rows : {0, 1, 37, 100}) {
        const Tensor matrix = (at::randn({rows, 1024}) * 0.3).to(dtype);
        std::vector<std::byte> blocks, again;
        encode_rows(type, matrix, blocks);
        const std::vector<std::byte> whole = encode_blocks(type, matrix, {});
        EXPECT_EQ(blocks, whole);
        const EncodingError lost = encode_and_compare(type, matrix, again);
        EXPECT_EQ(again, whole);
        const Tensor values = matrix.to(at::kDouble),
                     stored = decode_blocks(type, whole, {rows, 1024}).to(at::kDouble);
        const auto sum = [](const Tensor& x) { return x.square().sum().item<double>(); };
        EXPECT_NEAR(lost.error, sum(stored - values), 1e-9 * sum(values));
        EXPECT_NEAR(lost.energy, sum(values), 1e-9 * sum(values));
        EXPECT_EQ(encoding_error(type, matrix, whole).error, lost.error);
      }
  }
}

TEST(GgufRows, sums_do_not_depend_on_the_number_of_threads) {
  at::manual_seed(4);
  const Tensor matrix = at::randn({333, 512});
  const BlockType& type = *find_block_type("Q4_0");
  const int threads = at::get_num_threads();
  std::vector<EncodingError> sums;
  for (const int count : {1, 2, 5}) {
    at::set_num_threads(count);
    std::vector<std::byte> blocks;
    sums.push_back(encode_and_compare(type, matrix, blocks));
  }
  at::set_num_threads(threads);
  for (const EncodingError& sum : sums) {
    EXPECT_EQ(sum.error, sums[0].error);
    EXPECT_EQ(sum.energy, sums[0].energy);
  }
}

TEST(GgufRows, what_does_not_fit_is_an_error) {
  std::vector<std::byte> blocks;
  const BlockType &q4_k = *find_block_type("Q4_K"), &f16 = *find_block_type("F16");
  EXPECT_ERROR(encode_rows(q4_k, at::ones({2, 128}), blocks), "no whole blocks of Q4_K");
  EXPECT_ERROR(encode_rows(f16, at::full({100, 1024}, 1e6), blocks), "does not fit into fp16");
  EXPECT_ERROR(encoding_error(f16, at::ones({2, 32}), std::vector<std::byte>(3)),
               "do not fit together");
}

} // namespace
} // namespace latticelens
