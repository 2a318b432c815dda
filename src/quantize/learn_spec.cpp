#include "quantize/learn_spec.h"

#include "core/error.h"
#include "core/words.h"
#include <cmath>

namespace latticelens {
namespace {

template<typename Rows>
const auto& find(const Rows& rows, const std::string& name, const std::string& whole) {
  for (const auto& row : rows)
    if (name == row.name)
      return row;
  throw Error("method",
              "learn=" + whole + ": \"" + name + "\" is unknown; known: " + names_of(rows));
}

void set_option(LearnSpec& spec, const LearnRow& row, const std::string& text,
                const std::string& whole) {
  const std::size_t equals = text.find('=');
  require(equals != std::string::npos, "method",
          "learn=" + whole + ": \"" + text +
              "\" is not OPTION=NUMBER; known: " + names_of(row.options));
  const LearnOption& option = find(row.options, text.substr(0, equals), whole);
  const double value =
      parse_number(std::string_view(text).substr(equals + 1), "method", "learn=" + whole);
  require(value >= option.least && value <= option.most &&
              (!option.whole || value == std::floor(value)),
          "method",
          "learn=" + whole + ": " + option.name + " is a " + (option.whole ? "whole " : "") +
              "number from " + shortest(option.least) + " to " + shortest(option.most));
  spec.options[option.name] = value;
}

} // namespace

const std::vector<LearnRow>& learnings() {
  static const LearnOption
      tokens = {"tokens", 2048, "of a step: a part of a window, or several windows", 2, 1e9, true},
      weight_rate = {
          "rate", 3e-4,
          "of a weight's root mean square, after a short warm-up; it falls to zero along a cosine",
          0, 1};
  static const std::vector<LearnRow> table = {
      {"rotations",
       "the rotations at residual and value_output, by Cayley steps down the quantized model's "
       "loss "
       "on the calibration text (SpinQuant)",
       {{"steps", 100, "steps", 0, 1e6, true},
        {"rate", 1.5, "of the first step; it falls to zero along a cosine", 0, 1e6},
        {"momentum", 0, "share of the last step's direction that is kept", 0, 0.999},
        {"kl", 0, "the loss: 1: KL(original || quantized), 0: cross entropy of the next token", 0,
         1, true},
        tokens,
        {"weights", 0, "1: weights are rounded to nearest meanwhile, 0: they are not", 0, 1,
         true}}},
      {"weights",
       "the weights that are rounded, by Adam down the divergence of the quantized model from the "
       "original on the calibration text",
       {{"steps", 64, "steps", 0, 1e6, true},
        weight_rate,
        tokens,
        {"weights", 1, "1: weights are rounded to nearest meanwhile, 0: they are not", 0, 1,
         true}}},
      {"codes",
       "the codes of the rounded weights, after everything is rounded and with the scales that it "
       "has, by Adam down the divergence of the quantized model from the original",
       {{"steps", 64, "steps", 0, 1e6, true}, weight_rate, tokens}},
      {"blocks",
       "clipping of the weights and equivalent scales of channels, block by block, by Adam down "
       "the "
       "squared error of the quantized block's output (OmniQuant)",
       {{"steps", 64, "steps a block", 0, 1e6, true},
        {"rate", 0.02, "of the channels' scales; it falls to zero along a cosine", 0, 1e3},
        {"clip-rate", 0.2, "of the clipping; likewise", 0, 1e3},
        tokens}}};
  return table;
}

namespace {

LearnSpec parse_one(std::string_view text) {
  const std::string whole(text);
  const std::size_t colon = whole.find(':');
  const LearnRow& row = find(learnings(), whole.substr(0, colon), whole);
  LearnSpec spec{.name = row.name};
  for (const LearnOption& option : row.options)
    spec.options[option.name] = option.fallback;
  if (colon != std::string::npos)
    for (const std::string& part : words_of(whole.substr(colon + 1), ','))
      set_option(spec, row, part, whole);
  return spec;
}

std::string text_of(const LearnSpec& spec) {
  std::string text = spec.name;
  char separator = ':';
  for (const auto& [name, value] : spec.options) {
    text += separator + name + "=" + shortest(value);
    separator = ',';
  }
  return text;
}

} // namespace

std::vector<LearnSpec> parse_learnings(std::string_view text) {
  std::vector<LearnSpec> specs;
  for (const std::string& part : words_of(text, ';')) {
    specs.push_back(parse_one(part));
    for (std::size_t i = 0; i + 1 < specs.size(); ++i)
      require(specs[i].name != specs.back().name, "method",
              "learn=" + std::string(text) + ": " + specs[i].name + " is learned twice");
  }
  require(!specs.empty(), "method", "learn=: what? known: " + names_of(learnings()));
  return specs;
}

std::string to_text(const std::vector<LearnSpec>& specs) {
  std::vector<std::string> texts;
  for (const LearnSpec& spec : specs)
    texts.push_back(text_of(spec));
  return joined(texts, ";");
}

} // namespace latticelens
