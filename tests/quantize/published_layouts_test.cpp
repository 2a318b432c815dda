// Which layout holds what, and that quantization configs are read as they are written.
#include "core/error.h"
#include "quantize/method.h"
#include "quantize/published_layouts.h"
#include "tests/support.h"

namespace latticelens {
namespace {

std::string layout_for(const std::string& text) {
  const PublishedLayout* layout = layout_of(parse_method(text));
  return layout ? layout->name : "none";
}

TEST(PublishedLayouts, hold_what_other_programs_know) {
  const std::pair<const char*, const char*> wanted[] = {
      {"weight=mxfp4/7.25 activation=mxfp4/away", "mxfp4-pack-quantized"},
      {"weight=mxfp4 activation=mxfp8-e4m3", "mxfp4-pack-quantized"},
      {"weight=mxfp6-e2m3", "mxfp6-pack-quantized"},
      {"weight=mxfp8-e4m3 activation=mxfp8-e4m3/1.75", "mxfp8-quantized"},
      {"weight=nvfp4 activation=nvfp4", "nvfp4-pack-quantized"},
      {"weight=nvfp4", "nvfp4-pack-quantized"},
      {"weight=int4 activation=int8", "pack-quantized"},
      {"weight=bint4:128", "pack-quantized"},
      {"weight=int8", "pack-quantized"},
      {"weight=int8 activation=int8", "int-quantized"},
      {"weight=mxfp4:64", "none"},
      {"weight=mxfp6-e3m2", "none"},
      {"weight=mxint4", "none"},
      {"weight=mxfp4 activation=nvfp4", "none"},
      {"weight=nvfp4 activation=nvfp4/token", "none"},
      {"weight=mxfp4 activation=mxfp4 centre=mean", "none"},
      {"weight=mxfp4 rotate=aware:32@inputs", "none"},
      {"weight=mxfp4 rotate=hadamard:32@down_input rounding=gptq", "mxfp4-pack-quantized"},
      {"weight=mxfp4 rounding=ssqr:density=0.02", "none"}};
  for (const auto& [text, layout] : wanted)
    EXPECT_EQ(layout_for(text), layout) << text;
}

TEST(PublishedLayouts, configs_are_read_as_they_are_written) {
  for (const char* name :
       {"mxfp4", "mxfp6-e2m3", "mxfp8-e4m3", "nvfp4", "int4", "int8", "bint4:128", "bint4:32"}) {
    const Format format = parse_format(name), read = weight_format(weight_arguments(format), "w");
    EXPECT_EQ(read.code_bits(), format.code_bits()) << name;
    EXPECT_EQ(read.block, format.block) << name;
    EXPECT_EQ(read.grid.maximum, format.grid.maximum) << name;
  }
  for (const char* name :
       {"mxfp4/even", "mxfp6-e2m3/even", "mxfp8-e4m3/1.75", "nvfp4", "int4", "int8"})
    EXPECT_EQ(activation_format(activation_arguments(parse_format(name)), "w").name, name);
}

TEST(PublishedLayouts, what_no_format_here_is_is_refused_with_those_known) {
  Json arguments = weight_arguments(parse_format("bint4:128"));
  arguments["symmetric"] = false;
  EXPECT_ERROR(weight_format(arguments, "config.json"), "none of mxfp4");
  arguments = weight_arguments(parse_format("bint4:128"));
  arguments["num_bits"] = 3;
  EXPECT_ERROR(weight_format(arguments, "config.json"), "bint4:128");
  arguments["group_size"] = -100;
  EXPECT_ERROR(weight_format(arguments, "config.json"), "not supported");
  arguments["num_bits"] = "four";
  EXPECT_ERROR(weight_format(arguments, "config.json"), "num_bits");
  arguments = activation_arguments(parse_format("int8"));
  arguments["symmetric"] = true;
  EXPECT_ERROR(activation_format(arguments, "config.json"), "none of mxfp4/even");
}

} // namespace
} // namespace latticelens
