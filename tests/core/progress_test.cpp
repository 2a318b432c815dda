#include "core/progress.h"

#include <gtest/gtest.h>
#include <thread>

namespace latticelens {
namespace {

const ProgressState slow = {.label = "quantize",
                            .unit = "blocks",
                            .done = 3,
                            .total = 30,
                            .skipped = 1,
                            .seconds = 5,
                            .peak = 1'100'000'000,
                            .detail = "error 0.01"};

TEST(Progress, tells_rate_time_left_and_peak_memory) {
  EXPECT_EQ(plain_line(slow), "quantize 3/30 blocks, error 0.01, 2.5 s each, 1 min 07 s left, "
                              "peak 1.10 GB");
  const ProgressState fast = {
      .label = "read", .unit = "MB", .done = 900, .total = 900, .seconds = 3, .peak = 5'000'000};
  EXPECT_EQ(plain_line(fast), "read 900/900 MB, 300 MB/s, in 3.0 s, peak 5 MB");
  const ProgressState open_end = {.label = "tokenize", .unit = "lines", .done = 9, .seconds = 2};
  EXPECT_EQ(plain_line(open_end), "tokenize 9 lines, 4.5 lines/s, peak 0 kB");
  const ProgressState before = {.label = "quantize", .unit = "blocks", .total = 4};
  EXPECT_EQ(plain_line(before), "quantize 0/4 blocks, peak 0 kB");
}

TEST(Progress, bar_fits_into_the_terminal) {
  const std::string wide = bar_line(slow, 200);
  EXPECT_NE(wide.find("quantize [###...........................] 3/30 blocks  "), std::string::npos)
      << wide;
  for (int columns = 0; columns < 150; ++columns)
    EXPECT_LE(bar_line(slow, columns).size(), static_cast<std::size_t>(columns));
  EXPECT_EQ(bar_line(slow, 60).find('['), std::string::npos); // numbers matter more
}

TEST(Progress, short_work_and_quiet_work_write_nothing) {
  ::testing::internal::CaptureStderr();
  {
    Progress brief("brief", "steps", 2, /*quiet=*/false), quiet("quiet", "steps", 1, true);
    brief.step();
    brief.step();
    std::this_thread::sleep_for(std::chrono::milliseconds(2100));
    quiet.step();
  }
  EXPECT_EQ(::testing::internal::GetCapturedStderr(), "");
}

TEST(Progress, without_a_terminal_it_writes_a_line_now_and_then) {
  ::testing::internal::CaptureStderr();
  {
    Progress progress("work", "steps", 2000, /*quiet=*/false);
    std::this_thread::sleep_for(std::chrono::milliseconds(2100));
    for (int i = 0; i < 2000; ++i)
      progress.step();
  }
  const std::string text = ::testing::internal::GetCapturedStderr();
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 2) << text; // the first and the last
  EXPECT_EQ(text.find('\r'), std::string::npos);
  EXPECT_NE(text.find("work 2000/2000 steps"), std::string::npos) << text;
}

} // namespace
} // namespace latticelens
