// What the tests of learning weights and codes share.
#pragma once
#include "quantize/request.h"
#include "tests/support.h"
#include "tests/tiny_model.h"

namespace latticelens::testing {

/// A text that repeats itself, so that there is something to lose.
inline TokenWindows repeating_windows(std::int64_t vocabulary, std::int64_t count,
                                      std::int64_t length) {
  TokenWindows windows{.ids = {}, .count = count, .length = length};
  for (std::int64_t i = 0; i < count * length; ++i)
    windows.ids.push_back(static_cast<TokenId>(i * i % 31 % vocabulary));
  return windows;
}

/// Rotated everywhere, mxfp4 weights and activations; `more` are words of the method.
inline QuantizeRequest learning_request(const Model& model, const std::string& more) {
  return {.model = model,
          .method = parse_method("rotate=hadamard:16@residual,hadamard:32@value_output,"
                                 "hadamard:32@down_input weight=mxfp4 activation=mxfp4 " +
                                 more),
          .calibration = repeating_windows(model.config.vocabulary, 4, 64),
          .seed = 5,
          .quiet = true};
}

} // namespace latticelens::testing
