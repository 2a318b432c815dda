// What tests share: the folder of reference data (tests that need it skip loudly without it) and
// throw-away folders.
#pragma once
#include <cstdlib>
#include <filesystem>
#include <gtest/gtest.h>
#include <string>

namespace latticelens::testing {

inline std::filesystem::path data_folder() {
  return LATTICELENS_DATA;
}

/// A fresh empty folder, removed with the object.
class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "latticelens-XXXXXX").string();
    path_ = ::mkdtemp(pattern.data());
  }
  ~TemporaryFolder() { std::filesystem::remove_all(path_); }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path operator/(const std::string& name) const { return path_ / name; }

 private:
  std::filesystem::path path_;
};

} // namespace latticelens::testing

#define REQUIRE_DATA(relative)                                                                     \
  if (!std::filesystem::exists(latticelens::testing::data_folder() / (relative)))                  \
  GTEST_SKIP() << "SKIPPED: no reference data at "                                                 \
               << latticelens::testing::data_folder() / (relative)

/// The statement must throw latticelens::Error whose text contains `part`.
#define EXPECT_ERROR(statement, part)                                                              \
  try {                                                                                            \
    statement;                                                                                     \
    ADD_FAILURE() << "no error";                                                                   \
  } catch (const latticelens::Error& e) {                                                          \
    EXPECT_NE(std::string(e.what()).find(part), std::string::npos) << e.what();                    \
  }
