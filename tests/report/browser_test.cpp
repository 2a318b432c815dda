// The page in a real browser: tools/check_page, with the key numbers of a synthetic run.
#include "report/page.h"
#include "tests/report/synthetic_run.h"
#include <sys/wait.h>

namespace latticelens::report {
namespace {

constexpr int skipped = 77; // check_page's exit code when there is no browser

TEST(Browser, shows_the_key_numbers_without_an_error) {
  const testing::TemporaryFolder folder;
  testing::write_run(folder / "run", testing::synthetic_run_json(), testing::synthetic_rows(),
                     {testing::synthetic_evaluation()});
  const RunData run = read_run_data(folder / "run");
  write_text(folder / "page.html", run_page(run, {run}));
  const std::string command = std::string(LATTICELENS_SOURCE) + "/tools/check_page '" +
                              (folder / "page.html").string() +
                              "' 34.27 19.19 0.4321 'cost 0.58 nats' 小さな模型.gguf 本文.txt";
  const int status = std::system(command.c_str());
  ASSERT_TRUE(WIFEXITED(status));
  if (WEXITSTATUS(status) == skipped)
    GTEST_SKIP() << "SKIPPED: no chromium; the page was not looked at in a browser";
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

} // namespace
} // namespace latticelens::report
