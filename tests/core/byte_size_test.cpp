#include "core/byte_size.h"

#include "core/error.h"
#include "tests/support.h"

namespace latticelens {
namespace {

TEST(ByteSize, is_read_as_transformers_reads_it) {
  EXPECT_EQ(parse_byte_size("5GB"), 5'000'000'000);
  EXPECT_EQ(parse_byte_size("200MB"), 200'000'000);
  EXPECT_EQ(parse_byte_size("64KiB"), 65536);
  EXPECT_EQ(parse_byte_size("1B"), 1);
  for (const char* wrong : {"", "5", "GB", "0GB", "-1GB", "5 GB", "5gb", "5GBs", "1.5GB", "+5GB",
                            "9223372036854775807KB", "99999999999999999999B"})
    EXPECT_ERROR(parse_byte_size(wrong), "is no size; write a whole number");
}

} // namespace
} // namespace latticelens
