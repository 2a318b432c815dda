#include "text/tokenizer_json.h"

#include "core/error.h"
#include "core/files.h"
#include "text/components.h"
#include "text/tokenizer_config.h"

namespace latticelens {
namespace {

Vocabulary read_vocabulary(const Json& model, const std::string& where) {
  const auto found = model.find("vocab");
  require(found != model.end() && found->is_object(), "tokenizer",
          where + ": \"vocab\" of the model should be an object");
  Vocabulary vocabulary;
  for (const auto& [text, id] : found->items()) {
    if (!id.is_number_integer())
      throw Error("tokenizer", where + ": the id of token \"" + text + "\" should be an integer");
    // An id above the signed range reads as negative, which add refuses as well.
    vocabulary.add(text, id.get<std::int64_t>(), where);
  }
  return vocabulary;
}

// A merge is ["a", "b"], in older files "a b".
std::pair<std::string, std::string> read_merge(const Json& merge, const std::string& where) {
  if (merge.is_array() && merge.size() == 2 && merge[0].is_string() && merge[1].is_string())
    return {merge[0].get<std::string>(), merge[1].get<std::string>()};
  if (!merge.is_string())
    throw Error("tokenizer", where + ": a merge should be \"a b\" or [\"a\", \"b\"], not " +
                                 to_text(merge).substr(0, 80));
  const auto text = merge.get<std::string>();
  const std::size_t space = text.find(' ');
  if (space == text.npos || text.find(' ', space + 1) != text.npos)
    throw Error("tokenizer", where + ": merge \"" + text + "\" should have one space");
  return {text.substr(0, space), text.substr(space + 1)};
}

MergeTable read_merges(const Json& model, const Vocabulary& vocabulary, const std::string& where) {
  MergeTable merges;
  const auto id = [&](const std::string& text) {
    const auto found = vocabulary.find(text);
    if (!found || text.empty())
      throw Error("tokenizer", where + ": a merge names \"" + text +
                                   "\", which the vocabulary lacks; damaged file?");
    return *found;
  };
  std::uint32_t rank = 0;
  for (const Json& merge : array_member(model, "merges", where)) {
    const auto [left, right] = read_merge(merge, where);
    const TokenId left_id = id(left), right_id = id(right);
    merges.add(left_id, right_id, {rank++, id(left + right)});
  }
  return merges;
}

void refuse_settings(const Json& model, const std::string& where) {
  const auto refuse_text = [&](const char* key) {
    require(member_or<std::string>(model, key, "", where).empty(), "tokenizer",
            where + ": \"" + key + "\" of the BPE model is not supported");
  };
  refuse_other_keys(model,
                    {"dropout", "unk_token", "continuing_subword_prefix", "end_of_word_suffix",
                     "fuse_unk", "byte_fallback", "ignore_merges", "vocab", "merges"},
                    where);
  refuse_text("continuing_subword_prefix");
  refuse_text("end_of_word_suffix");
  require(member_or(model, "dropout", 0.0, where) == 0.0, "tokenizer",
          where + ": \"dropout\" of the BPE model is not supported");
}

BpeModel read_model(const Json& model, bool byte_level, const std::string& where) {
  const auto type = member_or<std::string>(model, "type", "BPE", where);
  require(type == "BPE", "tokenizer",
          where + ": model \"" + type +
              "\" is not supported, only BPE; give the SentencePiece .model file if there is one");
  refuse_settings(model, where);
  Vocabulary vocabulary = read_vocabulary(model, where);
  MergeTable merges = read_merges(model, vocabulary, where);
  BpeRules rules{.bytes = byte_level,
                 .whole_pieces_first = member_or(model, "ignore_merges", false, where),
                 .byte_fallback = member_or(model, "byte_fallback", false, where),
                 .fuse_unknown = member_or(model, "fuse_unk", false, where)};
  require(!rules.bytes || !rules.byte_fallback, "tokenizer",
          where + ": \"byte_fallback\" together with ByteLevel is not supported");
  const auto unknown = member_or<std::string>(model, "unk_token", "", where);
  if (!unknown.empty()) {
    rules.unknown = vocabulary.find(unknown);
    require(rules.unknown.has_value(), "tokenizer",
            where + ": unk_token \"" + unknown + "\" is not in the vocabulary");
  }
  return BpeModel(std::move(vocabulary), std::move(merges), rules);
}

AddedToken read_added_token(const Json& json, const Vocabulary& vocabulary,
                            const std::string& where) {
  refuse_other_keys(
      json, {"id", "content", "single_word", "lstrip", "rstrip", "normalized", "special"}, where);
  AddedToken token;
  token.text = member<std::string>(json, "content", where);
  const auto id = member<std::int64_t>(json, "id", where);
  const auto fail = [&](const std::string& why) {
    throw Error("tokenizer", where + ": added token \"" + token.text + "\" " + why);
  };
  if (member_or(json, "single_word", false, where))
    fail("asks for single_word, which is not supported");
  const std::string* in_vocabulary = vocabulary.text(id);
  if (in_vocabulary && *in_vocabulary != token.text)
    fail("has the id of \"" + *in_vocabulary + "\"");
  if (const auto other = vocabulary.find(token.text); other && *other != id)
    fail("has ids " + std::to_string(*other) + " and " + std::to_string(id));
  token.id = static_cast<TokenId>(id);
  token.special = member_or(json, "special", false, where);
  token.normalized = member_or(json, "normalized", !token.special, where);
  token.takes_space_before = member_or(json, "lstrip", false, where);
  token.takes_space_after = member_or(json, "rstrip", false, where);
  return token;
}

std::vector<AddedToken> read_added_tokens(const Json& json, const Vocabulary& vocabulary,
                                          const std::string& where) {
  std::vector<AddedToken> added;
  Vocabulary seen; // checks ids and texts among themselves
  if (!json.contains("added_tokens"))
    return added;
  for (const Json& token : array_member(json, "added_tokens", where)) {
    seen.add(member<std::string>(token, "content", where), member<std::int64_t>(token, "id", where),
             where);
    added.push_back(read_added_token(token, vocabulary, where));
  }
  return added;
}

// The one token that a template puts before the text, if any.
std::optional<TokenId> read_template(const Json& json, const std::string& where) {
  refuse_other_keys(json, {"single", "pair", "special_tokens"}, where);
  std::string name;
  bool text_seen = false;
  for (const Json& item : array_member(json, "single", where)) {
    const bool is_text = item.is_object() && item.contains("Sequence");
    require(!text_seen && (is_text || name.empty()), "tokenizer",
            where + ": post-processor \"TemplateProcessing\" with more than one token, before the "
                    "text, is not supported");
    if (!is_text)
      name = member<std::string>(member<Json>(item, "SpecialToken", where), "id", where);
    text_seen = is_text;
  }
  if (name.empty())
    return std::nullopt;
  const Json tokens = member<Json>(json, "special_tokens", where);
  const Json token = member<Json>(tokens, name, where);
  const Json& ids = array_member(token, "ids", where);
  require(ids.size() == 1 && ids[0].is_number_integer(), "tokenizer",
          where + ": template token \"" + name + "\" should have one id");
  const auto id = ids[0].get<std::int64_t>();
  require(id >= 0 && id <= std::numeric_limits<TokenId>::max(), "tokenizer",
          where + ": template token \"" + name + "\" has an id out of range");
  return static_cast<TokenId>(id);
}

std::optional<TokenId> read_post_processor(const Json& json, const std::string& where) {
  if (json.is_null())
    return std::nullopt;
  const auto type = member<std::string>(json, "type", where);
  if (type == "ByteLevel") // changes offsets only
    return std::nullopt;
  if (type == "TemplateProcessing")
    return read_template(json, where);
  if (type != "Sequence")
    refuse_component("post-processor", type, "Sequence, ByteLevel, TemplateProcessing", where);
  refuse_other_keys(json, {"processors"}, where);
  std::optional<TokenId> begin;
  for (const Json& step : array_member(json, "processors", where)) {
    const auto found = read_post_processor(step, where);
    require(!found || !begin, "tokenizer", where + ": more than one template is not supported");
    begin = found ? found : begin;
  }
  return begin;
}

std::optional<TokenId> find_token(const BpeParts& parts, const std::string& text) {
  for (const AddedToken& token : parts.added)
    if (token.text == text)
      return token.id;
  return parts.model.vocabulary().find(text);
}

bool has_token(const BpeParts& parts, TokenId id) {
  for (const AddedToken& token : parts.added)
    if (token.id == id)
      return true;
  return parts.model.vocabulary().text(id) != nullptr;
}

void apply_config(BpeParts& parts, const TokenizerConfig& config, const std::string& where) {
  if (config.begin_of_text) {
    parts.begin_of_text = find_token(parts, *config.begin_of_text);
    require(parts.begin_of_text.has_value(), "tokenizer",
            where + ": tokenizer_config.json names bos_token \"" + *config.begin_of_text +
                "\", which the vocabulary lacks");
  }
  if (config.adds_begin_of_text) {
    parts.adds_begin_of_text = *config.adds_begin_of_text;
    require(!parts.adds_begin_of_text || parts.begin_of_text, "tokenizer",
            where + ": tokenizer_config.json has add_bos_token but names no bos_token");
  }
}

} // namespace

BpeParts read_tokenizer_json(const Json& json, const std::string& where) {
  refuse_other_keys(json,
                    {"version", "truncation", "padding", "added_tokens", "normalizer",
                     "pre_tokenizer", "post_processor", "decoder", "model"},
                    where);
  const auto part = [&](const char* key) { return member_or<Json>(json, key, nullptr, where); };
  for (const char* key : {"truncation", "padding"})
    require(part(key).is_null(), "tokenizer",
            where + ": \"" + key + "\" is not supported; set it to null");
  Normalizer normalizer(part("normalizer"), where);
  PreTokenizer pre_tokenizer(part("pre_tokenizer"), where);
  const bool byte_level = pre_tokenizer.byte_level();
  const auto model = json.find("model");
  require(model != json.end() && model->is_object(), "tokenizer",
          where + ": \"model\" should be an object; is this a tokenizer.json?");
  BpeParts parts{std::move(normalizer),
                 std::move(pre_tokenizer),
                 read_model(*model, byte_level, where),
                 Decoder(part("decoder"), where),
                 {},
                 read_post_processor(part("post_processor"), where),
                 false,
                 ""};
  parts.added = read_added_tokens(json, parts.model.vocabulary(), where);
  parts.adds_begin_of_text = parts.begin_of_text.has_value();
  require(!parts.begin_of_text || has_token(parts, *parts.begin_of_text), "tokenizer",
          where + ": the template's token is not in the vocabulary");
  return parts;
}

std::unique_ptr<Tokenizer> open_tokenizer_json(const std::filesystem::path& path) {
  const std::string where = path.string();
  std::string text = read_text(path, 256u << 20);
  BpeParts parts = read_tokenizer_json(parse_json(text, where), where);
  apply_config(parts, read_tokenizer_config(path), where);
  parts.json = std::move(text);
  return make_bpe_tokenizer(std::move(parts));
}

} // namespace latticelens
