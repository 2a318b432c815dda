#include "tensor/safetensors.h"

#include "core/error.h"
#include "tests/support.h"
#include "tests/tensor/byte_text.h"
#include <ATen/ATen.h>

namespace latticelens {
namespace {

using testing::raw;
using testing::TemporaryFolder;
using testing::write_raw;

/// A file of this header and this much data.
std::string file_bytes(const std::string& header, std::size_t data_size = 0) {
  return raw<std::uint64_t>(header.size()) + header + std::string(data_size, '\1');
}

class Safetensors : public ::testing::Test {
 protected:
  /// Opens these bytes as a file.
  SafetensorsFile open(const std::string& bytes) {
    write_raw(path_, bytes);
    return SafetensorsFile(path_);
  }
  SafetensorsFile open_header(const std::string& header, std::size_t data_size = 0) {
    return open(file_bytes(header, data_size));
  }
  SafetensorsFile round_trip(const std::vector<std::pair<std::string, Tensor>>& tensors) {
    write_safetensors(path_, tensors);
    return SafetensorsFile(path_);
  }
  TemporaryFolder folder_;
  std::filesystem::path path_ = folder_ / "a.safetensors";
};

TEST_F(Safetensors, every_dtype_survives_a_round_trip) {
  const Tensor source = at::arange(-6, 6, at::kDouble).reshape({3, 4}) * 1.25;
  std::vector<std::pair<std::string, Tensor>> tensors;
  for (const auto type : {at::kDouble, at::kFloat, at::kHalf, at::kBFloat16, at::kLong, at::kInt,
                          at::kShort, at::kChar, at::kBool, at::kFloat8_e4m3fn, at::kFloat8_e5m2})
    tensors.emplace_back(at::toString(type), source.to(type));
  tensors.emplace_back("bytes", at::arange(256, at::kByte));
  const SafetensorsFile file = round_trip(tensors);
  EXPECT_EQ(file.entries().size(), 12u);
  EXPECT_EQ(file.metadata().at("format"), "pt");
  for (const auto& [name, tensor] : tensors) {
    const Tensor loaded = file.load(name);
    EXPECT_EQ(loaded.scalar_type(), tensor.scalar_type()) << name;
    EXPECT_EQ(loaded.sizes(), tensor.sizes()) << name;
    EXPECT_TRUE(loaded.view(at::kByte).equal(tensor.view(at::kByte))) << name;
  }
}

TEST_F(Safetensors, empty_scalar_and_strided_tensors_survive) {
  const Tensor matrix = at::arange(12, at::kFloat).reshape({3, 4});
  const SafetensorsFile file = round_trip({{"none", at::empty({0, 5})},
                                           {"one", at::full({}, 7, at::kInt)},
                                           {"turned", matrix.t()},
                                           {"column", matrix.select(1, 2)},
                                           {"last", at::empty({2, 0}, at::kHalf)}});
  EXPECT_EQ(file.load("none").sizes(), at::IntArrayRef({0, 5}));
  EXPECT_EQ(file.load("one").item<int>(), 7);
  EXPECT_TRUE(file.load("turned").equal(matrix.t()));
  EXPECT_TRUE(file.load("column").equal(matrix.select(1, 2)));
  EXPECT_EQ(file.load("last").scalar_type(), at::kHalf);
}

TEST_F(Safetensors, aligned_data_is_viewed_and_misaligned_data_copied) {
  const Tensor floats = at::randn({5});
  const SafetensorsFile file =
      round_trip({{"a", floats}, {"b", at::ones({3}, at::kByte)}, {"c", floats}});
  const auto* a = file.load("a").const_data_ptr();
  EXPECT_EQ(a, file.entries().at("a").bytes.data());
  EXPECT_TRUE(file.load("a").equal(floats));
  const auto c = file.load("c");
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(c.const_data_ptr()) % 4, 0u);
  EXPECT_TRUE(c.equal(floats));
}

TEST_F(Safetensors, a_tensor_outlives_the_file_object_and_the_file) {
  Tensor loaded;
  {
    loaded = round_trip({{"a", at::arange(1000)}}).load("a");
    std::filesystem::remove(path_);
  }
  EXPECT_TRUE(loaded.equal(at::arange(1000)));
}

TEST_F(Safetensors, the_same_input_gives_the_same_bytes_with_aligned_data) {
  const std::vector<std::pair<std::string, Tensor>> tensors = {{"ゐ", at::ones({2, 2})}};
  write_safetensors(path_, tensors, {{"b", "2"}, {"a", "1"}});
  write_safetensors(folder_ / "again", tensors, {{"a", "1"}, {"b", "2"}});
  const std::string text = read_text(path_);
  EXPECT_EQ(text, read_text(folder_ / "again"));
  EXPECT_EQ((text.size() - 16) % 8, 0u);
  EXPECT_EQ(text.substr(8, 33), R"({"__metadata__":{"a":"1","b":"2"})");
}

TEST_F(Safetensors, the_writer_refuses_what_it_cannot_write) {
  const Tensor one = at::ones({1});
  EXPECT_ERROR(round_trip({{"a", one}, {"a", one}}), "already taken");
  EXPECT_ERROR(round_trip({{"__metadata__", one}}), "already taken");
  EXPECT_ERROR(round_trip({{"a", Tensor()}}), "undefined");
  EXPECT_ERROR(round_trip({{"a", at::ones({1}, at::kComplexFloat)}}), "is not one of F64");
  EXPECT_ERROR(round_trip({{"\xff", one}}), "not UTF-8");
  EXPECT_FALSE(std::filesystem::exists(path_));
}

TEST_F(Safetensors, refuses_a_bad_header_length) {
  EXPECT_ERROR(open(""), "fewer than the 8");
  EXPECT_ERROR(open("1234567"), "has 7 bytes");
  EXPECT_ERROR(open(raw<std::uint64_t>(3) + "{}"), "the file ends before");
  EXPECT_ERROR(open(raw<std::uint64_t>(-1) + "{}"), "more than the limit");
  EXPECT_ERROR(open(raw<std::uint64_t>(100'000'001) + "{}"), "more than the limit");
  EXPECT_ERROR(open(raw<std::uint64_t>(0)), "does not begin with a JSON header");
}

TEST_F(Safetensors, refuses_a_bad_header) {
  EXPECT_ERROR(open_header("[]"), "does not begin with a JSON header");
  EXPECT_ERROR(open_header("{\"a\""), "not valid JSON");
  EXPECT_ERROR(open_header("{\"\xff\":1}"), "not valid JSON");
  EXPECT_ERROR(open_header(R"({"a":)" + std::string(1000, '[')), "nested deeper");
  EXPECT_ERROR(open_header(R"({"a":3})"), "tensor \"a\": should be an object");
  const std::string a = R"("a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]})";
  EXPECT_ERROR(open_header("{" + a + "," + a + "}", 1), "stands twice");
  EXPECT_ERROR(open_header(R"({"__metadata__":3})"), "is not an object");
  EXPECT_ERROR(open_header(R"({"__metadata__":{"a":3}})"), "is not a string");
  EXPECT_NO_THROW(open_header("{" + a + "}   \n", 1));
}

/// A header with one tensor.
std::string one_tensor(const std::string& dtype, const std::string& shape,
                       const std::string& offsets) {
  return R"({"a":{"dtype":)" + dtype + R"(,"shape":)" + shape + R"(,"data_offsets":)" + offsets +
         "}}";
}

TEST_F(Safetensors, refuses_a_bad_entry) {
  EXPECT_ERROR(open_header(R"({"a":{"shape":[1],"data_offsets":[0,1]}})"), "\"dtype\" is missing");
  EXPECT_ERROR(open_header(R"({"a":{"dtype":"U8","data_offsets":[0,1]}})"), "\"shape\" is missing");
  EXPECT_ERROR(open_header(R"({"a":{"dtype":"U8","shape":[1]}})"), "\"data_offsets\" is missing");
  EXPECT_ERROR(open_header(one_tensor("1", "[1]", "[0,1]"), 1), "should be a string");
  EXPECT_ERROR(open_header(one_tensor("\"U4\"", "[1]", "[0,1]"), 1), "\"U4\" is not one of F64");
  EXPECT_ERROR(open_header(one_tensor("\"U8\"", "1", "[0,1]"), 1), "shape is not a list");
  for (const char* size : {"-1", "1.0", "\"1\"", "null", "[1]", "18446744073709551615", "1e3"})
    EXPECT_ERROR(open_header(one_tensor("\"U8\"", "[" + std::string(size) + "]", "[0,1]"), 1),
                 "shape holds something else than sizes");
  EXPECT_ERROR(open_header(one_tensor("\"U8\"", "[1]", "[0,1,1]"), 1), "should be two numbers");
  EXPECT_ERROR(open_header(one_tensor("\"U8\"", "[1]", "[]"), 1), "should be two numbers");
  EXPECT_ERROR(open_header(one_tensor("\"U8\"", "[1]", "[-1,0]"), 1), "something else than sizes");
  EXPECT_ERROR(open_header(one_tensor("\"U8\"", "[1]", "[1,0]"), 1), "ends before it begins");
  EXPECT_ERROR(open_header(one_tensor("\"U8\"", "[2]", "[0,2]"), 1), "only 1 bytes of data");
  EXPECT_ERROR(
      open_header(one_tensor("\"U8\"", "[1]", "[9223372036854775806,9223372036854775807]")),
      "only 0 bytes of data");
  EXPECT_ERROR(open_header(one_tensor("\"F32\"", "[1]", "[0,2]"), 2), "has 2 bytes, but its shape");
}

TEST_F(Safetensors, refuses_shapes_that_overflow) {
  for (const char* shape :
       {"[4294967296,4294967296]", "[9223372036854775807,2]", "[4611686018427387904]",
        "[0,9223372036854775807,9223372036854775807]", "[4294967296,0,4294967296]"})
    EXPECT_ERROR(open_header(one_tensor("\"F32\"", shape, "[0,0]")), "its shape overflows");
  std::string ones = "1";
  for (int i = 0; i < 64; ++i)
    ones += ",1";
  EXPECT_ERROR(open_header(one_tensor("\"U8\"", "[" + ones + "]", "[0,1]"), 1), "more than 64");
}

/// A header of U8 tensors a and b at these places.
std::string two_tensors(int begin, int end, int second_begin, int second_end) {
  const auto entry = [](int from, int to) {
    return R"({"dtype":"U8","shape":[)" + std::to_string(to - from) + R"(],"data_offsets":[)" +
           std::to_string(from) + "," + std::to_string(to) + "]}";
  };
  return "{\"a\":" + entry(begin, end) + ",\"b\":" + entry(second_begin, second_end) + "}";
}

TEST_F(Safetensors, refuses_overlaps_and_holes) {
  EXPECT_NO_THROW(open_header(two_tensors(2, 4, 0, 2), 4)); // any order
  EXPECT_NO_THROW(open_header(two_tensors(2, 2, 0, 2), 2)); // an empty one
  EXPECT_ERROR(open_header(two_tensors(0, 2, 1, 4), 4), "\"b\": overlaps");
  EXPECT_ERROR(open_header(two_tensors(0, 4, 1, 3), 4), "\"b\": overlaps");
  EXPECT_ERROR(open_header(two_tensors(0, 2, 0, 2), 2), "\"b\": overlaps");
  EXPECT_ERROR(open_header(two_tensors(2, 2, 0, 4), 4), "\"a\": overlaps");
  EXPECT_ERROR(open_header(two_tensors(0, 2, 3, 4), 4), "\"b\": there is a hole");
  EXPECT_ERROR(open_header(two_tensors(1, 2, 2, 4), 4), "\"a\": there is a hole");
  EXPECT_ERROR(open_header(two_tensors(0, 2, 2, 4), 5), "has 1 bytes after the last tensor");
  EXPECT_ERROR(open_header("{}", 1), "has 1 bytes after the last tensor");
}

TEST_F(Safetensors, a_file_cut_anywhere_is_refused) {
  write_safetensors(path_, {{"a", at::ones({3})}, {"b", at::ones({5}, at::kByte)}});
  const std::string whole = read_text(path_);
  for (std::size_t size = 0; size < whole.size(); ++size)
    EXPECT_THROW(open(whole.substr(0, size)), Error) << size;
  EXPECT_THROW(open(whole + "x"), Error);
}

TEST_F(Safetensors, odd_bool_bytes_become_true) {
  SafetensorsFile file =
      open(file_bytes(one_tensor("\"BOOL\"", "[3]", "[0,3]")) + std::string("\0\1\7", 3));
  EXPECT_TRUE(file.load("a").view(at::kByte).equal(at::tensor({0, 1, 1}, at::kByte)));
}

TEST_F(Safetensors, an_absent_tensor_is_an_error) {
  EXPECT_ERROR(round_trip({{"a", at::ones({1})}}).load("b"), "has no tensor \"b\"");
}

TEST(SafetensorsData, real_files_load) {
  REQUIRE_DATA("oracles/families");
  int files = 0;
  for (const auto& item :
       std::filesystem::recursive_directory_iterator(testing::data_folder() / "oracles/families")) {
    if (item.path().extension() != ".safetensors")
      continue;
    const SafetensorsFile file(item.path());
    for (const auto& [name, entry] : file.entries()) {
      const Tensor tensor = file.load(name);
      EXPECT_EQ(tensor.nbytes(), entry.bytes.size());
      EXPECT_TRUE(!tensor.is_floating_point() || tensor.isfinite().all().item<bool>()) << name;
    }
    ++files;
  }
  EXPECT_GE(files, 20);
}

} // namespace
} // namespace latticelens
