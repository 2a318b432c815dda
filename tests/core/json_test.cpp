#include "core/json.h"

#include "core/error.h"
#include "tests/support.h"

namespace latticelens {
namespace {

TEST(Json, reads_members_by_type_and_names_the_file_in_errors) {
  const Json json =
      parse_json(R"({"a": 3, "b": "x", "c": null, "d": 1.5, "e": 18446744073709551615})", "f.json");
  EXPECT_EQ(member<std::int64_t>(json, "a", "f.json"), 3);
  EXPECT_EQ(member<double>(json, "a", "f.json"), 3.0);
  EXPECT_EQ(member_or<double>(json, "c", 7.0, "f.json"), 7.0);
  EXPECT_ERROR(member<std::int64_t>(json, "b", "f.json"),
               "f.json: \"b\" should be an integer, not string");
  EXPECT_ERROR(member<std::int64_t>(json, "d", "f.json"), "should be an integer");
  EXPECT_ERROR(member<std::int64_t>(json, "e", "f.json"), "should be an integer");
  EXPECT_ERROR(member<std::string>(json, "z", "f.json"), "\"z\" is missing");
}

TEST(Json, refuses_hostile_texts) {
  EXPECT_ERROR(parse_json(std::string(100000, '['), "bomb.json"), "nested deeper than 64");
  EXPECT_ERROR(parse_json(R"({"a": {"b": 1, "b": 2}})", "twice.json"), "\"b\" stands twice");
  EXPECT_ERROR(parse_json(R"({"a": )", "cut.json"), "cut.json: not valid JSON at byte");
  EXPECT_ERROR(parse_json("\"\xff\"", "latin.json"), "not valid JSON");
  EXPECT_ERROR(parse_json("{} x", "tail.json"), "not valid JSON");
}

TEST(Json, keeps_japanese_as_it_is) {
  EXPECT_EQ(to_text(parse_json(R"({"語": "\u65e5本"})", "ja.json")), "{\"語\":\"日本\"}");
}

TEST(Json, reads_a_hundred_thousand_members_in_their_order) {
  std::string text = "{";
  for (int i = 0; i < 100000; ++i)
    text += "\"k" + std::to_string(i) + "\": [" + std::to_string(i) + ", {\"x\": []}],";
  text.back() = '}';
  const Json json = parse_json(text, "large.json"); // minutes, were it quadratic
  EXPECT_EQ(json.size(), 100000);
  EXPECT_EQ(to_text(json.rbegin().value()), "[99999,{\"x\":[]}]");
}

} // namespace
} // namespace latticelens
