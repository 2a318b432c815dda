#include "core/error.h"
#include "quantize/method.h"
#include "tests/support.h"

namespace latticelens {
namespace {

TEST(Method, every_combination_prints_as_it_is_parsed) {
  int combinations = 0;
  for (const char* rotate :
       {"", "permute=graded ", "permute=balanced:32 rotate=hadamard:32@residual ", "smooth=0.5 ",
        "rotate=hadamard:32@residual ", "permute=graded rotate=separated:32@residual ",
        "rotate=hadamard@residual,hadamard:64@value_output,hadamard@down_input "})
    for (const char* weight : {"mxfp4", "mxfp4/even", "mxfp4/7.25/away"})
      for (const char* activation : {"none", "mxfp4/search"})
        for (const char* kv : {"", " kv=mxfp4:16/7.25", " centre=mean kv=int8"})
          for (const char* rounding : {"nearest", "gptq:damp=0.01 scales=stale moments=original",
                                       "gptq:damp=0.5 scales=current moments=quantized",
                                       "kbest:damp=0.01,paths=8 order=min-pivot scales=search:3 "
                                       "target=original moments=quantized",
                                       "gptq:damp=auto scales=static target=original+drift "
                                       "moments=quantized"}) {
            if (activation == std::string("none") && std::string(kv).starts_with(" centre"))
              continue;
            const std::string text = std::string(rotate) + "weight=" + weight +
                                     " activation=" + activation + kv + " rounding=" + rounding;
            EXPECT_EQ(to_text(parse_method(text)), text);
            ++combinations;
          }
  EXPECT_EQ(combinations, 525);
}

TEST(Method, words_in_any_order_and_defaults_give_the_canonical_string) {
  EXPECT_EQ(
      to_text(parse_method(
          "  rounding=gptq   weight=mxfp4/floor rotate=hadamard@down_input,hadamard:32@residual")),
      "rotate=hadamard:32@residual,hadamard@down_input weight=mxfp4 activation=none "
      "rounding=gptq:damp=0.01 scales=current moments=quantized");
}

TEST(Method, a_quantized_cache_is_a_word_and_its_rotation_needs_it) {
  EXPECT_EQ(to_text(parse_method("kv=none weight=mxfp4")),
            "weight=mxfp4 activation=none rounding=nearest");
  const std::string text = "rotate=hadamard@value_output,hadamard:32@query_key weight=mxfp4 "
                           "activation=none kv=nvfp4/search rounding=nearest";
  const Method method = parse_method(text);
  EXPECT_EQ(method.kv->name, "nvfp4/search");
  EXPECT_EQ(to_text(method), text);
  EXPECT_ERROR(parse_method("weight=mxfp4 kv=fp3"), "\"fp3\" is unknown; known: mxfp4");
  EXPECT_ERROR(parse_method("weight=mxfp4 rotate=hadamard@query_key"),
               "rotate=hadamard@query_key: without a quantized KV cache it changes nothing; write "
               "kv=FORMAT");
  EXPECT_NO_THROW(parse_method("rotate=hadamard@value_output learn=rotations weight=mxfp4 "
                               "kv=mxfp4"));
}

TEST(Method, every_preset_is_canonical) {
  for (const Preset& preset : presets())
    EXPECT_EQ(to_text(preset_method(preset.name)), preset.method) << preset.name;
  EXPECT_ERROR(preset_method("best"), "known: rtn, gptq, smoothquant, quarot, quarot+, brq, "
                                      "spinquant, brq-spin, omniquant, lens, lens-online, "
                                      "lens-tuned");
}

TEST(Method, what_is_learned_is_printed_with_its_options_and_read_back) {
  const std::string rotate = "rotate=hadamard:32@residual ",
                    rest = " weight=mxfp4 activation=mxfp4";
  const std::string text = to_text(parse_method(rotate + "learn=rotations:rate=0.5" + rest));
  EXPECT_EQ(text, rotate +
                      "learn=rotations:kl=0,momentum=0,rate=0.5,steps=100,tokens=2048,weights=0" +
                      rest + " rounding=nearest");
  EXPECT_EQ(to_text(parse_method(text)), text);
  EXPECT_TRUE(needs_text(parse_method(text)));
  const auto learn = [&](const std::string& value) { return parse_method(rotate + value + rest); };
  EXPECT_ERROR(learn("learn=all"), "\"all\" is unknown; known: rotations");
  const std::string two =
      "learn=weights:rate=0.01,steps=1e+05,tokens=64,weights=0;codes:rate=3e-04,steps=8,tokens=64";
  EXPECT_NE(to_text(learn(two)).find(two), std::string::npos) << to_text(learn(two));
  EXPECT_ERROR(learn("learn=codes;codes:steps=1"), "codes is learned twice");
  const std::string separated = "rotate=separated:32@residual ";
  EXPECT_ERROR(parse_method(separated + "learn=rotations" + rest),
               "separated:32@residual follows from calibration, not from learning; write for "
               "example hadamard:32@residual");
  EXPECT_NO_THROW(parse_method(separated + "learn=weights;codes" + rest));
  EXPECT_ERROR(parse_method("learn=weights;blocks" + rest), "one of them");
  EXPECT_ERROR(learn("learn=;"), "known: rotations, weights");
  EXPECT_ERROR(learn("learn=weights target=original rounding=gptq"), "no original outputs");
  EXPECT_ERROR(parse_method("rotate=aware:32@inputs learn=weights" + rest),
               "chosen while blocks are rounded");
  EXPECT_ERROR(parse_method("learn=weights:weights=0 weight=mxfp4"), "could learn from");
  EXPECT_ERROR(learn("learn=rotations:speed=1"), "known: steps, rate");
  EXPECT_ERROR(learn("learn=rotations:steps"), "not OPTION=NUMBER");
  EXPECT_ERROR(learn("learn=rotations:steps=1.5"), "whole number");
  EXPECT_ERROR(learn("learn=rotations:momentum=1"), "from 0 to 0.999");
  EXPECT_ERROR(parse_method("weight=mxfp4 activation=mxfp4 learn=rotations"),
               "no rotation to learn");
  EXPECT_ERROR(parse_method(rotate + "weight=mxfp4 learn=rotations"), "nothing is quantized");
}

TEST(Method, a_centre_needs_a_text_and_something_that_is_quantized_around_it) {
  EXPECT_TRUE(needs_text(parse_method("weight=mxfp4 activation=mxfp4 centre=mean")));
  EXPECT_FALSE(needs_text(parse_method("weight=mxfp4 activation=mxfp4 centre=none")));
  EXPECT_ERROR(parse_method("weight=mxfp4 centre=mean"), "no activation is quantized around it");
  EXPECT_ERROR(parse_method("weight=mxfp4 activation=mxfp4 centre=median"), "centre=none or mean");
  EXPECT_ERROR(parse_method("weight=mxfp4 activation=mxfp4 centre=mean learn=weights"),
               "learn=weights: centre=mean is chosen while blocks are rounded");
  EXPECT_NO_THROW(parse_method("weight=mxfp4 activation=mxfp4 centre=mean learn=codes"));
}

TEST(Method, errors_name_the_word) {
  EXPECT_ERROR(parse_method(""), "no weight format");
  EXPECT_ERROR(parse_method("weight"), "\"weight\" is not KEY=VALUE");
  EXPECT_ERROR(parse_method("weight=mxfp4 weight=mxfp4"), "given twice");
  EXPECT_ERROR(parse_method("weight=mxfp4 wait=1"), "\"wait\" is unknown");
  EXPECT_ERROR(parse_method("weight=mxfp4 scales=stale"), "uses no moments");
  EXPECT_ERROR(parse_method("weight=mxfp4 rounding=gptq scales=old"),
               "scales=current, stale, static, search");
  EXPECT_ERROR(parse_method("weight=mxfp4 rotate=hadamard@residual,hadamard:32@residual"),
               "two transforms at one site");
}

} // namespace
} // namespace latticelens
