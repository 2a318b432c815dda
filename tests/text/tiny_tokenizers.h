// Small tokenizers that tests (and fuzzers' seeds) write themselves.
#pragma once
#include "core/json.h"
#include "text/byte_alphabet.h"
#include "text/utf8.h"

namespace latticelens::testing {

inline Json model_with(Json vocabulary, Json merges) {
  return {{"type", "BPE"}, {"vocab", std::move(vocabulary)}, {"merges", std::move(merges)}};
}

/// GPT-2's scheme: all bytes, " the" and "hell" by merges, <|end|> as an added token.
inline Json tiny_byte_level() {
  Json vocabulary = Json::object();
  for (int b = 0; b < 256; ++b) {
    std::string text;
    append_character(text, alphabet_character(static_cast<std::uint8_t>(b)));
    vocabulary[text] = b;
  }
  Json merges = Json::array({"h e", "Ġ t", "Ġt he", "l l", "he ll"});
  int id = 256;
  for (const char* text : {"he", "Ġt", "Ġthe", "ll", "hell"})
    vocabulary[text] = id++;
  const Json added = {{"id", id},        {"content", "<|end|>"}, {"single_word", false},
                      {"lstrip", false}, {"rstrip", false},      {"normalized", false},
                      {"special", true}};
  return {
      {"version", "1.0"},
      {"added_tokens", Json::array({added})},
      {"normalizer", nullptr},
      {"pre_tokenizer", {{"type", "ByteLevel"}, {"add_prefix_space", false}, {"use_regex", true}}},
      {"post_processor", nullptr},
      {"decoder", {{"type", "ByteLevel"}}},
      {"model", model_with(std::move(vocabulary), std::move(merges))}};
}

/// Llama 2's scheme: a few characters and pieces, <unk>, and byte tokens if asked for.
inline Json tiny_sentencepiece(bool bytes) {
  Json vocabulary = {{"<unk>", 0}, {"<s>", 1}};
  int id = 2;
  for (int b = 0; bytes && b < 256; ++b) {
    char text[8];
    std::snprintf(text, sizeof text, "<0x%02X>", b);
    vocabulary[text] = id++;
  }
  for (const char* text : {"▁", "a", "b", "ab", "▁ab", "aa"})
    vocabulary[text] = id++;
  Json model = model_with(
      vocabulary,
      Json::array({Json::array({"a", "b"}), Json::array({"▁", "ab"}), Json::array({"a", "a"})}));
  model["unk_token"] = "<unk>";
  model["fuse_unk"] = true;
  model["byte_fallback"] = bytes;
  const Json replace = {{"type", "Replace"}, {"pattern", {{"String", " "}}}, {"content", "▁"}};
  const Json prepend = {{"type", "Prepend"}, {"prepend", "▁"}};
  const Json back = {{"type", "Replace"}, {"pattern", {{"String", "▁"}}}, {"content", " "}};
  const Json strip = {{"type", "Strip"}, {"content", " "}, {"start", 1}, {"stop", 0}};
  return {
      {"normalizer", {{"type", "Sequence"}, {"normalizers", Json::array({prepend, replace})}}},
      {"pre_tokenizer", nullptr},
      {"decoder",
       {{"type", "Sequence"},
        {"decoders", Json::array({back, {{"type", "ByteFallback"}}, {{"type", "Fuse"}}, strip})}}},
      {"model", model}};
}

} // namespace latticelens::testing
