#include "tensor/sharded_writer.h"

#include "core/error.h"
#include "core/json.h"
#include "tests/support.h"
#include <ATen/ATen.h>
#include <random>
#include <set>

namespace latticelens {
namespace {

using Named = std::vector<std::pair<std::string, Tensor>>;

Named random_tensors(std::mt19937& random) {
  Named tensors;
  const at::ScalarType types[] = {at::kFloat, at::kBFloat16, at::kByte, at::kLong};
  for (int i = 0, count = 1 + static_cast<int>(random() % 12); i < count; ++i) {
    std::vector<std::int64_t> shape;
    for (int d = 0, dimensions = static_cast<int>(random() % 4); d < dimensions; ++d)
      shape.push_back(static_cast<std::int64_t>(random() % 6));
    tensors.emplace_back("tensor." + std::to_string(i),
                         at::randint(100, shape).to(types[random() % 4]));
  }
  return tensors;
}

std::vector<TensorLayout> plan_of(const Named& tensors) {
  std::vector<TensorLayout> plan;
  for (const auto& [name, tensor] : tensors)
    plan.push_back({name, tensor.scalar_type(), tensor.sizes().vec()});
  return plan;
}

std::int64_t bytes_of_all(const std::vector<TensorLayout>& plan) {
  std::int64_t bytes = 0;
  for (const TensorLayout& layout : plan)
    bytes += bytes_of(layout);
  return bytes;
}

/// Some rows at a time, where there are rows.
void add_in_parts(ShardedWriter& writer, const Named& tensors, std::mt19937& random) {
  for (const auto& [name, tensor] : tensors) {
    if (tensor.dim() == 0) {
      writer.add(name, tensor);
      continue;
    }
    for (std::int64_t first = 0; first < tensor.size(0);) {
      const auto rows = static_cast<std::int64_t>(1 + random() % 3);
      const std::int64_t last = std::min(first + rows, tensor.size(0));
      writer.add(name, tensor.slice(0, first, last));
      first = last;
    }
  }
}

TEST(Shards, are_as_full_as_their_size_allows_and_keep_the_order) {
  std::mt19937 random(1);
  for (int trial = 0; trial < 300; ++trial) {
    const std::vector<TensorLayout> plan = plan_of(random_tensors(random));
    const auto size = static_cast<std::int64_t>(1 + random() % 400);
    std::vector<std::string> names;
    const auto shards = cut_into_shards(plan, size);
    for (std::size_t i = 0; i < shards.size(); ++i) {
      const std::int64_t bytes = bytes_of_all(shards[i]);
      EXPECT_TRUE(bytes <= size || bytes_of(shards[i].front()) > size);
      // Nothing but empty tensors beside one that is too large.
      EXPECT_TRUE(bytes <= size || bytes == bytes_of(shards[i].front()));
      EXPECT_TRUE(i + 1 == shards.size() || bytes + bytes_of(shards[i + 1].front()) > size);
      for (const TensorLayout& layout : shards[i])
        names.push_back(layout.name);
    }
    ASSERT_EQ(names.size(), plan.size());
    for (std::size_t i = 0; i < names.size(); ++i)
      EXPECT_EQ(names[i], plan[i].name);
  }
  EXPECT_ERROR(cut_into_shards({}, 0), "room for at least one byte");
}

TEST(ShardedWriter, gives_the_files_that_write_safetensors_gives_of_each_shard) {
  std::mt19937 random(2);
  for (int trial = 0; trial < 100; ++trial) {
    const testing::TemporaryFolder folder;
    const Named tensors = random_tensors(random);
    const std::map<std::string, Tensor> by_name(tensors.begin(), tensors.end());
    const auto size = static_cast<std::int64_t>(1 + random() % 400);
    ShardedWriter writer(folder.path(), plan_of(tensors), size);
    add_in_parts(writer, tensors, random);
    writer.commit();
    const auto shards = cut_into_shards(plan_of(tensors), size);
    std::set<std::string> expected;
    Json map = Json::object();
    for (std::size_t i = 0; i < shards.size(); ++i) {
      char name[64] = "model.safetensors";
      if (shards.size() > 1)
        std::snprintf(name, sizeof name, "model-%05zu-of-%05zu.safetensors", i + 1, shards.size());
      Named of_shard;
      for (const TensorLayout& layout : shards[i]) {
        of_shard.emplace_back(layout.name, by_name.at(layout.name));
        map[layout.name] = name;
      }
      const testing::TemporaryFolder simple;
      write_safetensors(simple / "simple", of_shard);
      EXPECT_EQ(read_text(folder / name), read_text(simple / "simple"));
      expected.insert(name);
    }
    if (shards.size() > 1) {
      const Json index = read_json(folder / "model.safetensors.index.json");
      EXPECT_EQ(index["weight_map"], map);
      EXPECT_EQ(index["metadata"]["total_size"], bytes_of_all(plan_of(tensors)));
      expected.insert("model.safetensors.index.json");
    }
    std::set<std::string> found;
    for (const auto& entry : std::filesystem::directory_iterator(folder.path()))
      found.insert(entry.path().filename());
    EXPECT_EQ(found, expected);
  }
}

TEST(ShardedWriter, refuses_what_was_not_planned) {
  const testing::TemporaryFolder folder;
  const std::vector<TensorLayout> plan = {{"a", at::kFloat, {2, 3}}, {"b", at::kByte, {4}}};
  const auto with = [&](const std::function<void(ShardedWriter&)>& work) {
    ShardedWriter writer(folder.path(), plan, 1000);
    work(writer);
  };
  EXPECT_ERROR(with([](ShardedWriter& w) { w.add("b", at::ones({4}, at::kByte)); }),
               "\"b\" cannot be written: it is not the tensor that comes next");
  EXPECT_ERROR(with([](ShardedWriter& w) {
                 w.add("a", at::ones({2, 3}, at::kHalf));
               }),
               "another dtype or shape than was planned");
  EXPECT_ERROR(with([](ShardedWriter& w) {
                 w.add("a", at::ones({2, 2}));
               }),
               "another dtype or shape than was planned");
  EXPECT_ERROR(with([](ShardedWriter& w) {
                 w.add("a", at::ones({3, 3}));
               }),
               "another dtype or shape than was planned");
  EXPECT_ERROR(with([](ShardedWriter& w) { w.add("a", Tensor()); }), "it is undefined");
  EXPECT_ERROR(with([](ShardedWriter& w) {
                 w.add("a", at::ones({1, 3}));
                 w.commit();
               }),
               "\"a\" cannot be written: it, or a part of it, is missing");
  EXPECT_ERROR(with([](ShardedWriter& w) {
                 w.add("a", at::ones({2, 3}));
                 w.add("b", at::ones({4}, at::kByte));
                 w.add("b", at::ones({1}, at::kByte));
               }),
               "not the tensor that comes next");
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
  const TensorLayout same = {"a", at::kByte, {8}};
  EXPECT_ERROR(ShardedWriter(folder.path(), {same, same}, 8), "its name is already taken");
  EXPECT_ERROR(ShardedWriter(folder.path(), {{"c", at::kComplexFloat, {1}}}, 8), "is not one of");
  EXPECT_ERROR(ShardedWriter(folder.path(), {{"c", at::kFloat, {1ll << 40, 1ll << 40}}}, 8),
               "its shape overflows");
}

TEST(ShardedWriter, cut_off_leaves_whole_files_and_no_index) {
  const testing::TemporaryFolder folder;
  {
    ShardedWriter writer(folder.path(), {{"a", at::kFloat, {4}}, {"b", at::kFloat, {4}}}, 16);
    writer.add("a", at::ones({4}));
    writer.add("b", at::ones({2}));
  }
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder.path()), {}), 1);
  EXPECT_TRUE(at::equal(SafetensorsFile(folder / "model-00001-of-00002.safetensors").load("a"),
                        at::ones({4})));
}

} // namespace
} // namespace latticelens
