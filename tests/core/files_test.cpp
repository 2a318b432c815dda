#include "core/files.h"

#include "core/error.h"
#include "tests/support.h"

namespace latticelens {
namespace {

using testing::TemporaryFolder;

TEST(Files, an_uncommitted_file_leaves_the_old_state) {
  const TemporaryFolder folder;
  write_text(folder / "a", "old");
  {
    AtomicFile file(folder / "a");
    file.write("new");
  }
  EXPECT_EQ(read_text(folder / "a"), "old");
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder.path()), {}), 1);
  write_text(folder / "a", "new");
  EXPECT_EQ(read_text(folder / "a"), "new");
}

TEST(Files, errors_name_the_file_and_the_reason) {
  const TemporaryFolder folder;
  EXPECT_ERROR(read_text(folder / "none"), "none: cannot be opened: No such file");
  EXPECT_ERROR(read_text(folder.path()), "is not a regular file");
  write_text(folder / "large", "12345");
  EXPECT_ERROR(read_text(folder / "large", 4), "more than the limit of 4");
  EXPECT_ERROR(write_text(folder / "no" / "such", "x"), "cannot be created: No such file");
  if (std::filesystem::exists("/dev/full"))
    EXPECT_ERROR(append_line("/dev/full", "x"), "No space left");
}

TEST(Files, a_mapping_outlives_its_file_object) {
  const TemporaryFolder folder;
  write_text(folder / "a", "abc");
  std::shared_ptr<const std::byte> owner;
  {
    const MappedFile file(folder / "a");
    EXPECT_EQ(file.bytes().size(), 3u);
    owner = file.owner();
  }
  EXPECT_EQ(static_cast<char>(owner.get()[2]), 'c');
}

TEST(Files, hashes_are_xxh3) {
  const TemporaryFolder folder;
  write_text(folder / "empty", "");
  EXPECT_EQ(file_hash(folder / "empty"),
            "99aa06d3014798d86001c324468d497f"); // the published value of no bytes
  EXPECT_EQ(text_hash(""), file_hash(folder / "empty"));
}

} // namespace
} // namespace latticelens
