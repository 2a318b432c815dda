#include "text/pre_tokenizer.h"

#include "core/error.h"
#include "text/components.h"
#include "text/utf8.h"

namespace latticelens {
namespace {

// Contractions, words, numbers and signs, each with the space before it; runs of white space, whose
// last space goes to the word behind it.
constexpr const char* gpt2_pattern =
    R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)";

constexpr const char* llama3_pattern =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";

constexpr const char* qwen2_pattern =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";

constexpr std::size_t step_limit = 16;

SplitBehaviour read_behaviour(const Json& json, const std::string& where) {
  const auto name = member<std::string>(json, "behavior", where);
  if (name == "Removed")
    return SplitBehaviour::removed;
  if (name == "Isolated")
    return SplitBehaviour::isolated;
  if (name == "MergedWithPrevious")
    return SplitBehaviour::merged_with_previous;
  if (name == "MergedWithNext")
    return SplitBehaviour::merged_with_next;
  if (name == "Contiguous")
    return SplitBehaviour::contiguous;
  throw Error("tokenizer", where + ": behaviour \"" + name + "\" of Split is not supported");
}

Json byte_level(bool use_regex) {
  return {{"type", "ByteLevel"},
          {"add_prefix_space", false},
          {"trim_offsets", true},
          {"use_regex", use_regex}};
}

Json split_then_bytes(const char* pattern) {
  const Json split = {{"type", "Split"},
                      {"pattern", {{"Regex", pattern}}},
                      {"behavior", "Isolated"},
                      {"invert", false}};
  return {{"type", "Sequence"}, {"pretokenizers", Json::array({split, byte_level(false)})}};
}

} // namespace

PreTokenizer::PreTokenizer(const Json& json, const std::string& where) {
  if (!json.is_null())
    read(json, where);
}

void PreTokenizer::read(const Json& json, const std::string& where) {
  const auto type = member<std::string>(json, "type", where);
  require(!byte_level_, "tokenizer",
          where + ": pre-tokenizer \"" + type + "\" behind ByteLevel is not supported");
  require(steps_.size() < step_limit, "tokenizer", where + ": too many pre-tokenizers");
  if (type == "Sequence") {
    refuse_other_keys(json, {"pretokenizers"}, where);
    for (const Json& step : array_member(json, "pretokenizers", where))
      read(step, where);
  } else if (type == "Split") {
    read_split(json, where);
  } else if (type == "Digits") {
    refuse_other_keys(json, {"individual_digits"}, where);
    const bool single = member<bool>(json, "individual_digits", where);
    steps_.emplace_back(
        Split{SplitRegex(single ? "\\p{N}" : "\\p{N}+", where), SplitBehaviour::isolated, false});
  } else if (type == "Metaspace") {
    read_metaspace(json, where);
  } else if (type == "ByteLevel") {
    read_byte_level(json, where);
  } else {
    refuse_component("pre-tokenizer", type, "Sequence, Split, Digits, Metaspace, ByteLevel", where);
  }
}

void PreTokenizer::read_split(const Json& json, const std::string& where) {
  refuse_other_keys(json, {"pattern", "behavior", "invert"}, where);
  bool is_regex = false;
  const std::string pattern = pattern_member(json, is_regex, where);
  steps_.emplace_back(Split{SplitRegex(is_regex ? pattern : quote_regex(pattern), where),
                            read_behaviour(json, where), member_or(json, "invert", false, where)});
}

void PreTokenizer::read_metaspace(const Json& json, const std::string& where) {
  refuse_other_keys(json, {"replacement", "prepend_scheme", "split"}, where);
  const auto replacement = member<std::string>(json, "replacement", where);
  const auto scheme = member<std::string>(json, "prepend_scheme", where);
  require(scheme == "always" || scheme == "first" || scheme == "never", "tokenizer",
          where + ": prepend_scheme \"" + scheme + "\" of Metaspace is not supported");
  require(!replacement.empty(), "tokenizer", where + ": Metaspace has an empty replacement");
  steps_.emplace_back(Metaspace{replacement, scheme != "never", scheme == "first"});
  if (member_or(json, "split", true, where))
    steps_.emplace_back(Split{SplitRegex(quote_regex(replacement), where),
                              SplitBehaviour::merged_with_next, false});
}

void PreTokenizer::read_byte_level(const Json& json, const std::string& where) {
  refuse_other_keys(json, {"add_prefix_space", "trim_offsets", "use_regex"}, where);
  if (member<bool>(json, "add_prefix_space", where))
    steps_.emplace_back(PrefixSpace{});
  if (member_or(json, "use_regex", true, where))
    steps_.emplace_back(Split{SplitRegex(gpt2_pattern, where), SplitBehaviour::isolated, false});
  byte_level_ = true;
}

void PreTokenizer::split(Pieces& pieces, bool at_begin) const {
  for (const Step& step : steps_) {
    if (const auto* split = std::get_if<Split>(&step)) {
      std::vector<std::string_view> parts;
      split->regex.split(pieces.views, split->behaviour, split->invert, parts);
      pieces.views = std::move(parts);
    } else if (const auto* meta = std::get_if<Metaspace>(&step)) {
      bool first = at_begin;
      for (std::string_view& piece : pieces.views) {
        std::string text = replace_all(piece, " ", meta->replacement);
        if (meta->prepend && (first || !meta->first_only) && !text.starts_with(meta->replacement))
          text.insert(0, meta->replacement);
        piece = pieces.changed.emplace_back(std::move(text));
        first = false;
      }
    } else {
      for (std::string_view& piece : pieces.views)
        if (!piece.starts_with(' '))
          piece = pieces.changed.emplace_back(" " + std::string(piece));
    }
  }
}

namespace {

using NamedRow = std::pair<const char*, NamedPreTokenizer>;

Json digits_then_bytes() {
  const Json digits = {{"type", "Digits"}, {"individual_digits", true}};
  return {{"type", "Sequence"}, {"pretokenizers", Json::array({digits, byte_level(true)})}};
}

const std::vector<NamedRow>& named_pre_tokenizers() {
  static const std::vector<NamedRow> rows = {
      {"gpt-2", {byte_level(true), nullptr, false, false}},
      {"llama-bpe", {split_then_bytes(llama3_pattern), nullptr, true, true}},
      {"smollm", {digits_then_bytes(), nullptr, false, false}}, // then GPT-2's rule
      // Qwen's own tokenizer composes characters first.
      {"qwen2", {split_then_bytes(qwen2_pattern), {{"type", "NFC"}}, false, false}}};
  return rows;
}

/// Without what changes no token: offsets, and a sequence of one.
Json essence(Json json) {
  if (json.is_object() && json.value("type", "") == "Sequence" &&
      json.value("pretokenizers", Json()).size() == 1)
    return essence(json["pretokenizers"][0]);
  if (json.is_object())
    json.erase("trim_offsets");
  for (Json& part : json)
    if (part.is_structured())
      part = essence(part);
  return json;
}

bool alike(const Json& a, const Json& b) {
  return nlohmann::json(essence(a)) == nlohmann::json(essence(b)); // whatever the order of keys
}

} // namespace

NamedPreTokenizer named_pre_tokenizer(const std::string& name, const std::string& where) {
  std::string known;
  for (const auto& [row, pre_tokenizer] : named_pre_tokenizers()) {
    if (name == row)
      return pre_tokenizer;
    known += (known.empty() ? "" : ", ") + std::string(row);
  }
  throw Error("tokenizer",
              where + ": pre-tokenizer \"" + name + "\" is not supported; known: " + known);
}

std::string name_of_pre_tokenizer(const Json& pre_tokenizer, const Json& normalizer) {
  for (const auto& [row, named] : named_pre_tokenizers())
    if (alike(pre_tokenizer, named.pre_tokenizer) && alike(normalizer, named.normalizer))
      return row;
  return "";
}

} // namespace latticelens
