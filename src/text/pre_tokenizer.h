// How a tokenizer splits a text into the pieces that are encoded one by one.
#pragma once
#include "core/json.h"
#include "text/split_regex.h"
#include <deque>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace latticelens {

/// Pieces of a text; those that had to be changed live in `changed`.
struct Pieces {
  std::vector<std::string_view> views;
  std::deque<std::string> changed;
};

class PreTokenizer {
 public:
  PreTokenizer() = default;
  /// Reads the "pre_tokenizer" of a tokenizer.json (null: none): Sequence, Split, Digits,
  /// Metaspace, ByteLevel (last). Error: any other, naming it.
  PreTokenizer(const Json& json, const std::string& where);

  /// Are the pieces to be read as bytes in GPT-2's alphabet?
  bool byte_level() const { return byte_level_; }
  /// Replaces the pieces by their parts. `at_begin`: the first of them begins the whole text.
  void split(Pieces& pieces, bool at_begin) const;

 private:
  struct Split {
    SplitRegex regex;
    SplitBehaviour behaviour;
    bool invert;
  };
  struct PrefixSpace {}; // a space before every piece that has none
  struct Metaspace {     // spaces become `replacement`, one of which begins the text
    std::string replacement;
    bool prepend, first_only;
  };
  using Step = std::variant<Split, PrefixSpace, Metaspace>;

  void read(const Json& json, const std::string& where);
  void read_split(const Json& json, const std::string& where);
  void read_metaspace(const Json& json, const std::string& where);
  void read_byte_level(const Json& json, const std::string& where);

  std::vector<Step> steps_;
  bool byte_level_ = false;
};

/// The "pre_tokenizer" and "normalizer" that a GGUF file means by `tokenizer.ggml.pre`.
struct NamedPreTokenizer {
  Json pre_tokenizer, normalizer;
  bool whole_pieces_first = false; // a piece that is a token is taken as it is
  bool adds_begin_of_text = false; // unless the file says otherwise
};

/// The name whose pre-tokenizer and normalizer these are; empty: none.
std::string name_of_pre_tokenizer(const Json& pre_tokenizer, const Json& normalizer);

/// Error: an unknown name, listing the known ones.
NamedPreTokenizer named_pre_tokenizer(const std::string& name, const std::string& where);

} // namespace latticelens
