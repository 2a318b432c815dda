#include "text/decoder.h"

#include "core/error.h"
#include "text/byte_alphabet.h"
#include "text/components.h"
#include "text/utf8.h"

namespace latticelens {
namespace {

std::string join(const std::vector<std::string>& tokens) {
  std::string text;
  for (const std::string& token : tokens)
    text += token;
  return text;
}

// The byte of a token <0xNN>, or -1.
int fallback_byte(const std::string& token) {
  if (token.size() != 6 || !token.starts_with("<0x") || token[5] != '>')
    return -1;
  int byte = 0;
  for (char c : token.substr(3, 2)) {
    const int digit = c >= '0' && c <= '9'   ? c - '0'
                      : c >= 'A' && c <= 'F' ? c - 'A' + 10
                      : c >= 'a' && c <= 'f' ? c - 'a' + 10
                                             : -1;
    if (digit < 0)
      return -1;
    byte = byte * 16 + digit;
  }
  return byte;
}

// A run of byte tokens that is not UTF-8 becomes one U+FFFD a byte, as in Hugging Face's decoder.
std::vector<std::string> join_bytes(const std::vector<std::string>& tokens) {
  std::vector<std::string> result;
  std::string run;
  const auto flush = [&] {
    if (run.empty())
      return;
    if (first_invalid_utf8(run))
      for (std::size_t i = 0; i < run.size(); ++i)
        result.emplace_back("\xef\xbf\xbd");
    else
      result.push_back(run);
    run.clear();
  };
  for (const std::string& token : tokens) {
    const int byte = fallback_byte(token);
    if (byte >= 0) {
      run += static_cast<char>(byte);
      continue;
    }
    flush();
    result.push_back(token);
  }
  flush();
  return result;
}

void strip(std::string& token, const std::string& content, std::int64_t start, std::int64_t stop) {
  for (std::int64_t i = 0; i < start && token.starts_with(content); ++i)
    token.erase(0, content.size());
  for (std::int64_t i = 0; i < stop && token.ends_with(content); ++i)
    token.erase(token.size() - content.size());
}

} // namespace

Decoder::Decoder(const Json& json, const std::string& where) {
  joins_with_spaces_ = json.is_null();
  if (!json.is_null())
    read(json, where);
}

void Decoder::read(const Json& json, const std::string& where) {
  const auto type = member<std::string>(json, "type", where);
  if (type == "Sequence") {
    refuse_other_keys(json, {"decoders"}, where);
    for (const Json& step : array_member(json, "decoders", where))
      read(step, where);
  } else if (type == "ByteLevel") {
    refuse_other_keys(json, {"add_prefix_space", "trim_offsets", "use_regex"}, where);
    steps_.push_back({Kind::byte_level});
  } else if (type == "Replace") {
    refuse_other_keys(json, {"pattern", "content"}, where);
    bool is_regex = false;
    const std::string from = pattern_member(json, is_regex, where);
    require(!is_regex, "tokenizer",
            where + ": decoder \"Replace\" of a regex is not supported; only of a string");
    steps_.push_back({Kind::replace, from, member<std::string>(json, "content", where)});
  } else if (type == "ByteFallback" || type == "Fuse") {
    refuse_other_keys(json, {}, where);
    steps_.push_back({type == "Fuse" ? Kind::fuse : Kind::byte_fallback});
  } else if (type == "Strip") {
    refuse_other_keys(json, {"content", "start", "stop"}, where);
    steps_.push_back({Kind::strip, member<std::string>(json, "content", where), "",
                      member<std::int64_t>(json, "start", where),
                      member<std::int64_t>(json, "stop", where)});
    require(!steps_.back().from.empty(), "tokenizer", where + ": Strip has an empty content");
  } else if (type == "Metaspace") {
    refuse_other_keys(json, {"replacement", "prepend_scheme", "split"}, where);
    const bool prepended = member<std::string>(json, "prepend_scheme", where) != "never";
    steps_.push_back(
        {Kind::metaspace, member<std::string>(json, "replacement", where), "", prepended});
    require(!steps_.back().from.empty(), "tokenizer",
            where + ": Metaspace has an empty replacement");
  } else {
    refuse_component("decoder", type,
                     "Sequence, ByteLevel, Replace, ByteFallback, Fuse, Strip, Metaspace", where);
  }
  require(steps_.size() <= 16, "tokenizer", where + ": more than 16 decoders");
}

std::string Decoder::decode(std::vector<std::string> tokens) const {
  for (const Step& step : steps_) {
    switch (step.kind) {
    case Kind::byte_level:
      for (std::string& token : tokens)
        token = alphabet_to_bytes(token);
      tokens = {replace_invalid_utf8(join(tokens))};
      break;
    case Kind::replace:
      for (std::string& token : tokens)
        token = replace_all(token, step.from, step.to);
      break;
    case Kind::byte_fallback:
      tokens = join_bytes(tokens);
      break;
    case Kind::fuse:
      tokens = {join(tokens)};
      break;
    case Kind::strip:
      for (std::string& token : tokens)
        strip(token, step.from, step.start, step.stop);
      break;
    case Kind::metaspace:
      if (!tokens.empty())
        strip(tokens.front(), step.from, step.start, 0);
      for (std::string& token : tokens)
        token = replace_all(token, step.from, " ");
      break;
    }
  }
  if (!joins_with_spaces_)
    return join(tokens);
  for (std::size_t i = 1; i < tokens.size(); ++i)
    tokens[i].insert(0, " ");
  return join(tokens);
}

} // namespace latticelens
