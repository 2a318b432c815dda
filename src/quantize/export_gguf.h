// A model as one GGUF file, which llama.cpp and its relatives load.
#pragma once
#include "quantize/packed_model.h"
#include "tensor/gguf_blocks.h"

namespace latticelens {

/// The types that can be written, in small letters.
std::vector<std::string> gguf_type_names();

struct GgufTypes {
  const BlockType* linear; // of the blocks' linears
  const BlockType* outer;  // of the embedding and the head
};

/// Types by name in any case ("q4_k"). Without `linear`: the quantized one that the linears are
/// stored in, else F16; without `outer`: Q8_0 beside a quantized type, else the same. Error: an
/// unknown name, listing what can be written.
GgufTypes choose_gguf_types(const OpenedModel& opened, const std::string& linear,
                            const std::string& outer);

/// The same where no value may change: without a name the types that the model is stored in. Error:
/// GGUF has no type that holds them.
GgufTypes choose_exact_gguf_types(const OpenedModel& opened, const std::string& linear,
                                  const std::string& outer);

/// What was written, for people to see.
struct GgufSummary {
  std::map<std::string, std::int64_t> linears; // how many of each type
  std::int64_t exact = 0;                      // linears whose stored values are the model's own
  std::int64_t narrow = 0;         // linears whose rows are no whole blocks of the type asked for
  double error = 0, energy = 0;    // squares, over all linears
  std::int64_t unlisted_pairs = 0; // of tokens: see GgufVocabulary
};

/// Writes `file`: the weights' values (dequantized, an online rotation folded back) rounded to the
/// nearest in the types; blocks that the model was rounded into (weight=q4_0 ...) as they are, and
/// values that are codes of MXFP4, NVFP4, Q4_0 or Q8_0 with their own scales. Rows that are no
/// whole blocks of a type take a neighbour of 32 values, as llama.cpp does. `each_block(layer)`
/// after each. exact: refuse what would change a value. Errors: a family or tokenizer without a
/// form in GGUF, what fp16 scales cannot hold; with `exact` the first tensor that would change.
GgufSummary export_gguf(const OpenedModel& opened, const std::filesystem::path& file,
                        const GgufTypes& types,
                        const std::function<void(std::int64_t)>& each_block = {},
                        bool exact = false);

} // namespace latticelens
