#include "report/method_words.h"
#include "report/next_step.h"
#include "report/printable.h"
#include <gtest/gtest.h>

namespace latticelens::report {
namespace {

TEST(Printable, escapes_what_html_would_read) {
  EXPECT_EQ(escaped("<a href=\"x\">'&' 日本語"),
            "&lt;a href=&quot;x&quot;&gt;&#39;&amp;&#39; 日本語");
}

TEST(Printable, replaces_what_is_no_text) {
  EXPECT_EQ(printable(std::string("a\0b", 3)), "a\uFFFDb");
  EXPECT_EQ(printable("\xFF\xE3\x81"), "\uFFFD\uFFFD\uFFFD");
  EXPECT_EQ(printable("\xED\xA0\x80"), "\uFFFD\uFFFD\uFFFD"); // a surrogate
  EXPECT_EQ(printable("\xC0\xAF"), "\uFFFD\uFFFD");           // overlong
  EXPECT_EQ(printable("\xF0\x9F\x94\x8D"), "🔍");
}

TEST(MethodWords, every_word_of_our_presets_is_explained) {
  for (const MethodWord& word : explained(
           "permute=graded rotate=separated:32@residual,aware@value_output,aware:32@down_input "
           "learn=codes:rate=3e-04,steps=65,tokens=2048 weight=mxfp4/7.25 "
           "activation=mxfp4/7.25 centre=mean rounding=descent:damp=auto,pairs=0,paths=4 "
           "order=min-pivot scales=search:3 importance=gradient target=original+drift "
           "moments=quantized")) {
    EXPECT_EQ(word.meaning.find("latticelens list"), std::string::npos) << word.word;
    EXPECT_EQ(word.meaning.find("does not know"), std::string::npos) << word.word;
  }
}

TEST(MethodWords, explain_each_word_and_survive_unknown_ones) {
  const auto words =
      explained("rotate=hadamard:32@residual,hadamard:32@down_input weight=mxfp4/7.25 "
                "rounding=gptq:damp=0.01 colour=<b> strange");
  ASSERT_EQ(words.size(), 6u);
  EXPECT_EQ(words[1].word, "rotate=hadamard:32@down_input");
  EXPECT_NE(words[2].meaning.find("7.25"), std::string::npos);
  EXPECT_NE(words[3].meaning.find("Babai"), std::string::npos);
  EXPECT_TRUE(explained("").empty());
  const auto cache = explained("rotate=hadamard@query_key kv=mxfp4:16");
  EXPECT_EQ(cache[0].meaning.find("random signs"), std::string::npos);
  EXPECT_NE(cache[0].meaning.find("queries and keys"), std::string::npos);
  EXPECT_NE(cache[1].meaning.find("Keys and values"), std::string::npos);
}

TEST(MethodWords, say_what_is_quantized) {
  EXPECT_EQ(quantized_parts("weight=mxfp4/away activation=mxfp4"), "4-bit weights and activations");
  EXPECT_EQ(quantized_parts("weight=mxfp4 activation=none"), "4-bit weights");
  EXPECT_EQ(quantized_parts("weight=int3 activation=fp8"), "3-bit weights and 8-bit activations");
  EXPECT_EQ(quantized_parts("weight=mxfp6-e2m3 activation=bint4:128/search"),
            "6-bit weights and 4-bit activations");
  EXPECT_EQ(quantized_parts("weight=mxfp4 activation=none kv=int8"),
            "4-bit weights and 8-bit keys and values");
  EXPECT_EQ(quantized_parts("weight=mxfp4 activation=mxfp4 kv=mxfp4:16"),
            "4-bit weights and activations, 4-bit keys and values");
  EXPECT_EQ(quantized_parts(""), "Quantized weights");
}

TEST(MethodWords, explain_everything_that_is_learned) {
  const std::string two =
      explained("learn=weights:steps=7,tokens=64;codes:steps=9,tokens=32 weight=mxfp4")[0].meaning;
  EXPECT_NE(two.find("before they are rounded, 7 steps of 64 tokens"), std::string::npos) << two;
  EXPECT_NE(two.find("the codes are learned, 9 steps of 32 tokens"), std::string::npos) << two;
  EXPECT_NE(explained("learn=charm")[0].meaning.find("does not know"), std::string::npos);
}

TEST(NextStep, quotes_what_a_shell_would_split) {
  EXPECT_EQ(shell_word("run/a-1"), "run/a-1");
  EXPECT_EQ(shell_word("it's $HOME"), "'it'\\''s $HOME'");
  EXPECT_EQ(shell_word(""), "''");
  EXPECT_EQ(shell_word("走行"), "'走行'");
}

TEST(MethodWords, explain_searches_orders_and_targets) {
  std::string all;
  for (const MethodWord& word :
       explained("weight=mxfp4 rounding=kbest:damp=auto,paths=8 order=min-pivot scales=search:3 "
                 "target=original+drift moments=quantized"))
    all += word.meaning + "\n";
  for (const char* part : {"Beginnings kept: 8", "tokens held out", "shortest, given the rest",
                           "several candidates", "residual stream"})
    EXPECT_NE(all.find(part), std::string::npos) << part << all;
}

} // namespace
} // namespace latticelens::report
