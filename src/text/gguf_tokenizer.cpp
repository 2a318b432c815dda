#include "text/gguf_tokenizer.h"

#include "core/error.h"
#include "tensor/gguf.h"
#include "text/score_merges.h"
#include "text/tokenizer_json.h"
#include "text/utf8.h"

namespace latticelens {
namespace {

constexpr const char* space_mark = "\u2581"; // SentencePiece writes spaces as this

struct Tokens {
  const std::vector<std::string>& texts;
  std::vector<std::int64_t> types;
};

// What the two kinds have in common: the tokens, checked, and what the file says about BOS.
class Metadata {
 public:
  explicit Metadata(const GgufFile& file) : file_(file), where_(file.path().string()) {}

  const GgufFile& file() const { return file_; }
  const std::string& where() const { return where_; }
  static std::string key(const std::string& name) { return "tokenizer.ggml." + name; }
  bool has(const std::string& name) const { return file_.has(key(name)); }

  bool flag(const std::string& name, bool fallback) const {
    return has(name) ? file_.boolean(key(name)) : fallback;
  }

  /// An id that the file may leave out; a number outside the vocabulary (some write 2^32 - 1) is
  /// none.
  std::optional<TokenId> id(const std::string& name, std::size_t vocabulary) const {
    if (!has(name))
      return std::nullopt;
    const std::int64_t value = file_.integer(key(name));
    if (value < 0 || value >= static_cast<std::int64_t>(vocabulary))
      return std::nullopt;
    return static_cast<TokenId>(value);
  }

  Tokens tokens() const {
    Tokens tokens{file_.texts(key("tokens")), {}};
    require(!tokens.texts.empty(), "tokenizer", where_ + ": the vocabulary is empty");
    require_texts(tokens.texts, "token");
    tokens.types.assign(tokens.texts.size(), gguf_token::normal);
    if (has("token_type"))
      tokens.types = file_.integers(key("token_type"));
    require_length("token_type", tokens.types.size(), tokens.texts.size());
    return tokens;
  }

  /// JSON cannot hold other bytes.
  void require_texts(const std::vector<std::string>& texts, const char* what) const {
    for (std::size_t i = 0; i < texts.size(); ++i)
      if (first_invalid_utf8(texts[i]))
        require_utf8(texts[i], "tokenizer", where_ + ": " + what + " " + std::to_string(i));
  }

  void require_length(const std::string& name, std::size_t length, std::size_t wanted) const {
    require(length == wanted, "tokenizer",
            where_ + ": " + key(name) + " has " + std::to_string(length) + " entries for " +
                std::to_string(wanted) + " tokens; damaged file?");
  }

 private:
  const GgufFile& file_;
  std::string where_;
};

// Appended without looking for earlier keys; the vocabulary's reader refuses a text that stands
// twice.
Json vocabulary_json(const Tokens& tokens) {
  Json vocabulary = Json::object();
  Json::object_t::Container& members = vocabulary.get_ref<Json::object_t&>();
  for (std::size_t i = 0; i < tokens.texts.size(); ++i)
    members.emplace_back(tokens.texts[i], i);
  return vocabulary;
}

Json added_tokens_json(const Tokens& tokens) {
  Json added = Json::array();
  for (std::size_t i = 0; i < tokens.texts.size(); ++i) {
    const std::int64_t type = tokens.types[i];
    if (type == gguf_token::control || type == gguf_token::unknown ||
        type == gguf_token::user_defined)
      added.push_back({{"id", i},
                       {"content", tokens.texts[i]},
                       {"single_word", false},
                       {"lstrip", false},
                       {"rstrip", false},
                       {"normalized", false},
                       {"special", type != gguf_token::user_defined}});
  }
  return added;
}

// The template that puts BOS before a text.
Json begin_template(const std::string& text, TokenId id) {
  const auto special = [&](int type) {
    return Json{{"SpecialToken", {{"id", text}, {"type_id", type}}}};
  };
  const auto sequence = [](const char* name, int type) {
    return Json{{"Sequence", {{"id", name}, {"type_id", type}}}};
  };
  const Json token = {{"id", text}, {"ids", Json::array({id})}, {"tokens", Json::array({text})}};
  return {{"type", "TemplateProcessing"},
          {"single", Json::array({special(0), sequence("A", 0)})},
          {"pair", Json::array({special(0), sequence("A", 0), special(1), sequence("B", 1)})},
          {"special_tokens", {{text, token}}}};
}

Json begin_json(const Metadata& metadata, const Tokens& tokens, bool adds) {
  if (!adds)
    return nullptr;
  const auto begin = metadata.id("bos_token_id", tokens.texts.size());
  require(begin.has_value(), "tokenizer",
          metadata.where() + ": BOS is to be added but tokenizer.ggml.bos_token_id names no token");
  return begin_template(tokens.texts[static_cast<std::size_t>(*begin)], *begin);
}

Json document(const Tokens& tokens, Json normalizer, Json pre_tokenizer, Json post_processor,
              Json decoder, Json model) {
  return {{"version", "1.0"},
          {"truncation", nullptr},
          {"padding", nullptr},
          {"added_tokens", added_tokens_json(tokens)},
          {"normalizer", std::move(normalizer)},
          {"pre_tokenizer", std::move(pre_tokenizer)},
          {"post_processor", std::move(post_processor)},
          {"decoder", std::move(decoder)},
          {"model", std::move(model)}};
}

Json model_json(Json unknown_token, bool fallback, bool ignore_merges) {
  return {{"type", "BPE"},
          {"dropout", nullptr},
          {"unk_token", std::move(unknown_token)},
          {"continuing_subword_prefix", nullptr},
          {"end_of_word_suffix", nullptr},
          {"fuse_unk", fallback},
          {"byte_fallback", fallback},
          {"ignore_merges", ignore_merges}};
}

BpeParts parts_of(const Json& json, const Metadata& metadata, const Tokens& tokens) {
  BpeParts parts = read_tokenizer_json(json, metadata.where());
  parts.begin_of_text = metadata.id("bos_token_id", tokens.texts.size());
  parts.json = to_text(json);
  return parts;
}

std::unique_ptr<Tokenizer> open_byte_level(const Metadata& metadata) {
  require(metadata.has("pre"), "tokenizer",
          metadata.where() + ": tokenizer.ggml.pre is missing: the file does not say how text is "
                             "split; convert the model again with a newer converter");
  const NamedPreTokenizer named =
      named_pre_tokenizer(metadata.file().text(Metadata::key("pre")), metadata.where());
  const Tokens tokens = metadata.tokens();
  const bool adds = metadata.flag("add_bos_token", named.adds_begin_of_text);
  Json model = model_json(nullptr, false, named.whole_pieces_first);
  model["vocab"] = vocabulary_json(tokens);
  const std::vector<std::string>& merges = metadata.file().texts(Metadata::key("merges"));
  metadata.require_texts(merges, "merge");
  model["merges"] = merges;
  const Json decoder = {{"type", "ByteLevel"},
                        {"add_prefix_space", true},
                        {"trim_offsets", true},
                        {"use_regex", true}};
  const Json json = document(tokens, named.normalizer, named.pre_tokenizer,
                             begin_json(metadata, tokens, adds), decoder, std::move(model));
  return make_bpe_tokenizer(parts_of(json, metadata, tokens));
}

// "a b" where no token has a space, which every reader knows; pairs otherwise.
Json merges_json(const std::vector<ScoredMerge>& merges, const Tokens& tokens) {
  const auto text = [&](TokenId id) { return tokens.texts[static_cast<std::size_t>(id)]; };
  const bool spaces = std::any_of(merges.begin(), merges.end(), [&](const ScoredMerge& merge) {
    return text(merge.merged).find(' ') != std::string::npos;
  });
  Json list = Json::array();
  for (const ScoredMerge& merge : merges)
    if (spaces)
      list.push_back(Json::array({text(merge.left), text(merge.right)}));
    else
      list.push_back(text(merge.left) + " " + text(merge.right));
  return list;
}

std::vector<ScoredMerge> read_scored_merges(const Metadata& metadata, const Tokens& tokens) {
  Vocabulary vocabulary;
  std::vector<bool> mergeable;
  for (std::size_t i = 0; i < tokens.texts.size(); ++i) {
    vocabulary.add(tokens.texts[i], static_cast<std::int64_t>(i), metadata.where());
    mergeable.push_back(tokens.types[i] == gguf_token::normal);
  }
  const std::vector<double> scores = metadata.file().numbers(Metadata::key("scores"));
  metadata.require_length("scores", scores.size(), tokens.texts.size());
  return merges_by_score(vocabulary, scores, mergeable, metadata.where());
}

Json space_normalizer(bool prefix) {
  Json steps = Json::array();
  if (prefix)
    steps.push_back({{"type", "Prepend"}, {"prepend", space_mark}});
  steps.push_back({{"type", "Replace"}, {"pattern", {{"String", " "}}}, {"content", space_mark}});
  return {{"type", "Sequence"}, {"normalizers", steps}};
}

Json space_decoder(bool prefix) {
  Json steps =
      Json::array({{{"type", "Replace"}, {"pattern", {{"String", space_mark}}}, {"content", " "}},
                   {{"type", "ByteFallback"}},
                   {{"type", "Fuse"}}});
  if (prefix)
    steps.push_back({{"type", "Strip"}, {"content", " "}, {"start", 1}, {"stop", 0}});
  return {{"type", "Sequence"}, {"decoders", steps}};
}

std::unique_ptr<Tokenizer> open_sentencepiece_bpe(const Metadata& metadata) {
  const Tokens tokens = metadata.tokens();
  const std::vector<ScoredMerge> merges = read_scored_merges(metadata, tokens);
  const bool prefix = metadata.flag("add_space_prefix", true);
  const bool adds = metadata.flag("add_bos_token", true);
  const auto unknown_id = metadata.id("unknown_token_id", tokens.texts.size());
  Json model = model_json(nullptr, true, false);
  if (unknown_id)
    model["unk_token"] = tokens.texts[static_cast<std::size_t>(*unknown_id)];
  model["vocab"] = vocabulary_json(tokens);
  model["merges"] = merges_json(merges, tokens);
  const Json json =
      document(tokens, space_normalizer(prefix), nullptr, begin_json(metadata, tokens, adds),
               space_decoder(prefix), std::move(model));
  BpeParts parts = parts_of(json, metadata, tokens);
  // A tokenizer.json gives every merge its own rank; here pairs of one score are joined from the
  // left.
  MergeTable table;
  for (const ScoredMerge& merge : merges)
    table.add(merge.left, merge.right, {merge.rank, merge.merged});
  parts.model = BpeModel(parts.model.take_vocabulary(), std::move(table), parts.model.rules());
  return make_bpe_tokenizer(std::move(parts));
}

} // namespace

std::unique_ptr<Tokenizer> open_gguf_tokenizer(const std::filesystem::path& path) {
  const GgufFile file(path);
  const Metadata metadata(file);
  const std::string& model = file.text(Metadata::key("model"));
  if (model == "gpt2")
    return open_byte_level(metadata);
  if (model == "llama")
    return open_sentencepiece_bpe(metadata);
  throw Error("tokenizer", metadata.where() + ": tokenizer.ggml.model \"" + model +
                               "\" is not supported; known: gpt2, llama");
}

} // namespace latticelens
