#include "report/method_words.h"

#include "core/words.h"
#include <algorithm>

namespace latticelens::report {
namespace {

struct Meaning {
  const char *word, *meaning;
};

std::string look_up(const std::vector<Meaning>& table, const std::string& word) {
  for (const Meaning& row : table)
    if (word == row.word)
      return row.meaning;
  return "“" + word + "” (see latticelens list)";
}

const std::vector<Meaning> formats = {
    {"mxfp4", "4-bit floating point (E2M1): sixteen levels, and for every 32 neighbours one "
              "shared power-of-two scale"},
    {"mxfp6-e2m3", "6-bit floating point (E2M3) with a power-of-two scale for every 32 neighbours"},
    {"mxfp6-e3m2", "6-bit floating point (E3M2) with a power-of-two scale for every 32 neighbours"},
    {"mxfp8-e4m3", "8-bit floating point (E4M3) with a power-of-two scale for every 32 neighbours"},
    {"mxint8", "8-bit integers with a power-of-two scale for every 32 neighbours"},
    {"mxint6", "6-bit integers with a power-of-two scale for every 32 neighbours"},
    {"mxint4", "4-bit integers with a power-of-two scale for every 32 neighbours"},
    {"nvfp4", "4-bit floating point (E2M1) with an 8-bit scale for every 16 neighbours, under one "
              "scale for the whole"},
    {"bint4", "4-bit integers with a 16-bit scale for every 32 neighbours"},
    {"bint8", "8-bit integers with a 16-bit scale for every 32 neighbours"},
    {"bfp4", "4-bit floating point (E2M1) with a 16-bit scale for every 32 neighbours"},
    {"int4", "4-bit integers with one scale a row of weights, or a scale and a zero point a token"},
    {"int8", "8-bit integers with one scale a row of weights, or a scale and a zero point a token"},
};
const std::vector<Meaning> format_options = {
    {"floor", "the scale rule is OCP's, the largest values saturate"},
    {"even", "the scale goes one power up where the largest value would round up to it"},
    {"rceil", "the scale is the smallest at which nothing saturates"},
    {"7.25", "the scale is the smallest power of two with maximum / scale ≤ 7.25"},
    {"1.75", "the scale goes one power up where the largest value's significand reaches 1.75"},
    {"ceil", "the scale is the power of two above the maximum"},
    {"search", "each scale is the best of several by squared error"},
    {"maximum", "the largest value becomes the grid's largest"},
    {"four-over-six", "the largest value becomes 6 or 4, whichever has the smaller squared error"},
    {"away", "ties round away from zero"},
    {"token", "each token has a second scale of its own"},
};
const std::vector<Meaning> sites = {
    {"residual", "the stream between blocks; folded into the weights, free at run time"},
    {"value_output", "each attention head's values; folded into the weights, free at run time"},
    {"query_key",
     "each attention head's queries and keys, after their rotary positions; computed at "
     "run time"},
    {"down_input", "the input of the last linear of the MLP; computed at run time"},
    {"inputs", "the input of every quantized linear; computed at run time"},
};
const std::vector<Meaning> orders = {
    {"natural", "first column first"},
    {"reversed", "last column first"},
    {"activation", "the largest input first"},
    {"min-pivot", "what is shortest, given the rest, last"},
};

const std::vector<Meaning> targets = {
    {"quantized", "those of the original weights on the inputs that the layer will get"},
    {"original", "those that the original model has there"},
    {"original+drift", "those that the original model has there, and what the residual stream has "
                       "drifted by"},
};

const std::vector<Meaning> scale_times = {
    {"static", "before any rounding, from the weights"},
    {"search", "when the block is reached, of several candidates the one with which the rounding "
               "itself leaves the least error"},
    {"stale", "each from the weights before errors were passed on inside its panel of 128 columns, "
              "as published GPTQ code does"},
    {"current", "each when its block’s turn comes, from weights that errors were passed on to"},
};
const std::vector<Meaning> moments_paths = {
    {"original", "calibration sees the activations of unquantized layers"},
    {"quantized", "calibration sees the activations that the quantized model will have"},
};

std::string rotation_meaning(const std::string& spec) {
  const std::size_t at = spec.find('@');
  const std::string head = spec.substr(0, at);
  const std::size_t colon = head.find(':');
  const std::string size = colon == std::string::npos ? "" : head.substr(colon + 1);
  if (head.substr(0, colon) == "aware" && at != std::string::npos)
    return "A matrix for " + (size.empty() ? "all" : "each " + size + " neighbouring") +
           " channels, chosen from calibration so that inputs and weights share what "
           "is hard to round, and no channel stands out. It stands on " +
           look_up(sites, spec.substr(at + 1)) + ".";
  if (head.substr(0, colon) == "separated" && at != std::string::npos)
    return "One rotation of the whole stream, chosen from calibration so that no block of " + size +
           " is strong both in the stream and in the weights that read it, then a Hadamard "
           "rotation of each block. It stands on " +
           look_up(sites, spec.substr(at + 1)) + ".";
  if (head.substr(0, colon) != "hadamard" || at == std::string::npos)
    return "a rotation; see latticelens list";
  const std::string reach = size.empty() ? "all channels" : size + " neighbouring channels";
  const std::string site = spec.substr(at + 1);
  return std::string("A Hadamard rotation ") + (site == "query_key" ? "" : "with random signs ") +
         "mixes " + reach + ", so that outliers spread out. It stands on " + look_up(sites, site) +
         ".";
}

/// A rotation that only stands elsewhere than the one before it is not explained again.
void add_rotations(std::vector<MethodWord>& words, const std::string& value) {
  std::string previous;
  for (const std::string& spec : words_of(value, ',')) {
    const std::size_t at = spec.find('@');
    const bool repeated = at != std::string::npos && spec.substr(0, at) == previous &&
                          spec.substr(at + 1) != "query_key"; // has no signs
    words.push_back(
        {"rotate=" + spec, repeated ? "The same on " + look_up(sites, spec.substr(at + 1)) + "."
                                    : rotation_meaning(spec)});
    previous = spec.substr(0, at);
  }
}

std::string format_meaning(const std::string& value, const std::string& subject) {
  const std::vector<std::string> parts = words_of(value, '/');
  if (parts.empty() || value == "none")
    return subject + " are not quantized.";
  const std::size_t colon = parts[0].find(':');
  std::string text = subject + ": " + look_up(formats, parts[0].substr(0, colon));
  if (colon != std::string::npos)
    text += "; here a scale serves " + (parts[0].substr(colon + 1) == "row"
                                            ? std::string("a whole row")
                                            : parts[0].substr(colon + 1) + " neighbours");
  for (std::size_t i = 1; i < parts.size(); ++i)
    text += "; " + look_up(format_options, parts[i]);
  return text + ".";
}

/// The number after NAME= among a rounding's options; empty when it is not there.
std::string option_of(const std::string& value, const std::string& name) {
  const std::size_t colon = value.find(':');
  if (colon == std::string::npos)
    return "";
  for (const std::string& option : words_of(value.substr(colon + 1), ','))
    if (option.starts_with(name + "="))
      return option.substr(name.size() + 1);
  return "";
}

std::string damping_meaning(const std::string& damping) {
  if (damping.empty())
    return "";
  if (damping == "auto")
    return " Damping of the second moments: for each layer the one with the least error on tokens "
           "held out.";
  return " Damping: " + damping + " of the mean diagonal of the second moments is added to it.";
}

std::string rounding_meaning(const std::string& value) {
  const std::string name = value.substr(0, value.find(':'));
  if (name == "nearest")
    return "Each weight goes to its nearest level.";
  const std::string paths = option_of(value, "paths"), samples = option_of(value, "samples");
  const std::vector<Meaning> searches = {
      {"gptq", "Error feedback (GPTQ, which is Babai’s nearest plane): columns are rounded one by "
               "one, and each one’s error is made up for by those still to come."},
      {"kbest", "A search inside the grid: of each row the cheapest beginnings are kept, column by "
                "column."},
      {"klein", "The best of error feedback and of several randomised passes of it."},
      {"descent", "A search, then moves of single weights (and pairs, if asked for) until none "
                  "lowers the error."},
      {"portfolio", "For each row the best of several searches in different orders."},
      {"reduced",
       "Error feedback on a reduced basis (LLL) where its result stays inside the grid."},
      {"ssqr", "Error feedback; what leaves the grid is kept beside it as sparse outliers."},
      {"hptq", "Error feedback to integers without bounds, with one scale for the whole matrix; "
               "Huffman-coded."},
  };
  std::string text = look_up(searches, name);
  if (text.starts_with("“"))
    text += ".";
  if (!paths.empty() && paths != "1")
    text += " Beginnings kept: " + paths + ".";
  if (!samples.empty())
    text += " Passes: " + samples + ".";
  return text + damping_meaning(option_of(value, "damp"));
}

std::string value_of(const std::string& method, const std::string& key) {
  for (const std::string& word : words_of(method, ' '))
    if (word.starts_with(key + "="))
      return word.substr(key.size() + 1);
  return "";
}

struct Learning {
  const char *name, *what, *how;
};

constexpr Learning learnings[] = {
    {"rotations", "The rotations that are folded into weights are learned first, ",
     ": each turns them a little so that the quantized model predicts the calibration text "
     "better."},
    {"blocks",
     "Block by block the clipping of the weights and the channels’ scales are learned before "
     "anything is rounded, ",
     " a block: each moves them a little so that the quantized block’s output comes closer to what "
     "the original gives (OmniQuant)."},
    {"weights", "The weights are learned before they are rounded, ",
     ": each moves them a little so that the quantized model predicts what the original does."},
    {"codes", "After everything is rounded, as the layers below tell, the codes are learned, ",
     ": each changes some so that the quantized model predicts what the original does."}};

/// Of one of "SPEC[;SPEC]...".
std::string learning_meaning(const std::string& value) {
  for (const Learning& learning : learnings)
    if (value.substr(0, value.find(':')) == learning.name)
      return learning.what + option_of(value, "steps") + " steps of " + option_of(value, "tokens") +
             " tokens" + learning.how;
  return "Something is learned that this version does not know.";
}

std::string learning_meanings(const std::string& value) {
  std::vector<std::string> sentences;
  for (const std::string& part : words_of(value, ';'))
    sentences.push_back(learning_meaning(part));
  return joined(sentences, " ");
}

std::string meaning_of(const std::string& method, const std::string& key,
                       const std::string& value) {
  if (key == "weight")
    return format_meaning(value, "Weights");
  if (key == "activation")
    return value == value_of(method, "weight")
               ? "Activations, the input of every quantized linear: the same format."
               : format_meaning(value, "Activations, the input of every quantized linear");
  if (key == "kv")
    return format_meaning(
        value, "Keys and values, each head and token for itself, as a KV cache holds them");
  if (key == "rounding")
    return rounding_meaning(value);
  if (key == "permute")
    return value == "graded"
               ? "The stream's channels are ordered by the gains of the norms, so that "
                 "a block holds channels of like gains."
               : "The stream's channels are ordered so that every block of " +
                     value.substr(value.find(':') + 1) + " has the same mass.";
  if (key == "smooth")
    return "The spread of each channel is moved from the activations into the weights with the "
           "strength " +
           value + " (SmoothQuant).";
  if (key == "learn")
    return learning_meanings(value);
  if (key == "centre")
    return "Inputs are quantized around their mean over the calibration text; what the mean "
           "contributes is added exactly.";
  if (key == "importance")
    return "Tokens and outputs count by the squared gradient of the original model’s loss.";
  if (key == "scales")
    return "When scales are chosen: " + look_up(scale_times, value.substr(0, value.find(':'))) +
           ".";
  if (key == "order")
    return "The order of rounding: " + look_up(orders, value) + ".";
  if (key == "target")
    return "What the outputs should come close to: " + look_up(targets, value) + ".";
  if (key == "moments")
    return "What calibration looks at: " + look_up(moments_paths, value) + ".";
  return "A word that this version does not know.";
}

/// The first digits of a format's name are its bits: "mxfp6-e2m3" has 6, "bint4:128/search" 4.
std::string bits_of(const std::string& format) {
  const char* const digits = "0123456789";
  const std::size_t first = format.find_first_of(digits);
  if (first == std::string::npos)
    return "";
  return format.substr(first, format.find_first_not_of(digits, first) - first);
}

} // namespace

std::vector<MethodWord> explained(const std::string& method) {
  std::vector<MethodWord> words;
  for (const std::string& word : words_of(method, ' ')) {
    const std::size_t equals = word.find('=');
    const std::string key = word.substr(0, equals);
    const std::string value = equals == std::string::npos ? "" : word.substr(equals + 1);
    if (key != "rotate") {
      words.push_back({word, meaning_of(method, key, value)});
      continue;
    }
    add_rotations(words, value);
  }
  return words;
}

std::string quantized_parts(const std::string& method) {
  const std::string weight = bits_of(value_of(method, "weight"));
  const std::string activation = value_of(method, "activation");
  const std::string bits = weight.empty() ? "Quantized" : weight + "-bit";
  const std::string kv = value_of(method, "kv");
  const std::string cache = bits_of(kv).empty() ? "" : bits_of(kv) + "-bit keys and values";
  if (activation.empty() || activation == "none")
    return bits + " weights" + (cache.empty() ? "" : " and " + cache);
  const std::string both = bits_of(activation) == weight
                               ? bits + " weights and activations"
                               : bits + " weights and " + bits_of(activation) + "-bit activations";
  return both + (cache.empty() ? "" : ", " + cache);
}

bool rounds_to_nearest(const std::string& method) {
  const std::string rounding = value_of(method, "rounding");
  return rounding.empty() || rounding.starts_with("nearest");
}

} // namespace latticelens::report
