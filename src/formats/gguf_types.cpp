// GGUF's types whose scales are chosen for a weight at once. (MXFP4 and NVFP4 are formats anyway.)
#include "formats/block_frame.h"

namespace latticelens {

const std::vector<FormatRow>& coded_formats() {
  static const std::vector<FormatRow> table = {
      {"q4_0", "GGUF: integers -8 .. 7, blocks of 32, fp16 scale",
       [] { return coded_format("q4_0", "Q4_0"); }},
      {"q4_1", "GGUF: integers 0 .. 15, blocks of 32, fp16 scale and minimum",
       [] { return coded_format("q4_1", "Q4_1"); }},
      {"q5_0", "GGUF: integers -16 .. 15, blocks of 32, fp16 scale",
       [] { return coded_format("q5_0", "Q5_0"); }},
      {"q5_1", "GGUF: integers 0 .. 31, blocks of 32, fp16 scale and minimum",
       [] { return coded_format("q5_1", "Q5_1"); }},
      {"q8_0", "GGUF: integers -127 .. 127, blocks of 32, fp16 scale",
       [] { return coded_format("q8_0", "Q8_0"); }},
      {"q4_k", "GGUF: integers 0 .. 15, blocks of 32 with 6-bit scales and minima in 256",
       [] { return coded_format("q4_k", "Q4_K"); }},
      {"q5_k", "GGUF: integers 0 .. 31, blocks of 32 with 6-bit scales and minima in 256",
       [] { return coded_format("q5_k", "Q5_K"); }},
      {"q6_k", "GGUF: integers -32 .. 31, blocks of 16 with 8-bit scales in 256",
       [] { return coded_format("q6_k", "Q6_K"); }},
      {"iq4_nl", "GGUF: 16 uneven levels, blocks of 32, fp16 scale",
       [] { return coded_format("iq4_nl", "IQ4_NL"); }}};
  return table;
}

} // namespace latticelens
