// What the tokenizers' fuzzers do with a tokenizer that opens.
#pragma once
#include "core/error.h"
#include "text/tokenizer.h"
#include <cstdlib>

namespace latticelens::fuzzing {

inline void encode_texts(const Tokenizer& tokenizer) {
  const std::string long_text(300, 'a');
  for (std::string_view text :
       {"", " ", "hello the  world 123\n\n\t'll", "日本語 \U0001F600e\u0301▁",
        "<|end|><s></s> ab <unk>\x04", long_text.c_str()})
    for (SpecialTokens special : {SpecialTokens::as_text, SpecialTokens::parsed})
      try {
        const Encoding encoding = tokenizer.encode(text, special);
        for (TokenId id : encoding.ids)
          if (id < 0 || id >= tokenizer.vocabulary_size())
            std::abort();
        tokenizer.decode(encoding.ids);
      } catch (const Error&) { // a regex that takes too many steps
      }
}

} // namespace latticelens::fuzzing
