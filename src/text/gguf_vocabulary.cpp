#include "text/gguf_vocabulary.h"
#include "text/tokenizer.h"

#include "core/error.h"
#include "text/gguf_tokenizer.h"
#include "text/pre_tokenizer.h"
#include "text/score_merges.h"
#include <algorithm>
#include <map>
#include <optional>
#include <set>

namespace latticelens {
namespace {

std::string key(const std::string& name) {
  return "tokenizer.ggml." + name;
}

/// Texts by id, "[PADi]" where no token has the id.
std::vector<std::string> token_texts(const Json& tokenizer, std::int64_t size,
                                     const std::string& where) {
  std::vector<std::string> texts(static_cast<std::size_t>(size));
  const auto put = [&](const std::string& text, std::int64_t id) {
    require(id >= 0 && id < size, "tokenizer",
            where + ": token \"" + text + "\" has the id " + std::to_string(id) +
                ", but the model has " + std::to_string(size) + " rows of embeddings");
    texts[static_cast<std::size_t>(id)] = text;
  };
  for (const auto& [text, id] : tokenizer.at("model").at("vocab").items())
    put(text, id.get<std::int64_t>());
  for (const Json& added : tokenizer.value("added_tokens", Json::array()))
    put(added.at("content").get<std::string>(), added.at("id").get<std::int64_t>());
  for (std::size_t id = 0; id < texts.size(); ++id)
    if (texts[id].empty())
      texts[id] = "[PAD" + std::to_string(id) + "]";
  return texts;
}

bool is_byte(const std::string& text) {
  return text.size() == 6 && text.starts_with("<0x") && text.ends_with(">");
}

std::vector<std::int64_t> token_types(const Json& tokenizer,
                                      const std::vector<std::string>& texts) {
  const Json& model = tokenizer.at("model");
  const std::string unknown = model.value("unk_token", Json()).is_string()
                                  ? model.at("unk_token").get<std::string>()
                                  : std::string();
  const bool bytes = model.value("byte_fallback", false);
  std::vector<std::int64_t> types(texts.size(), gguf_token::unused);
  for (const auto& [text, id] : model.at("vocab").items())
    types[id.get<std::size_t>()] = bytes && is_byte(text) ? gguf_token::byte : gguf_token::normal;
  for (const Json& added : tokenizer.value("added_tokens", Json::array()))
    types[added.at("id").get<std::size_t>()] =
        added.value("special", false) ? gguf_token::control : gguf_token::user_defined;
  for (std::size_t id = 0; id < texts.size(); ++id)
    if (!unknown.empty() && texts[id] == unknown && types[id] != gguf_token::normal)
      types[id] = gguf_token::unknown;
  return types;
}

std::pair<std::string, std::string> halves(const Json& merge, const std::string& where) {
  if (merge.is_array() && merge.size() == 2)
    return {merge[0].get<std::string>(), merge[1].get<std::string>()};
  const std::string text = merge.is_string() ? merge.get<std::string>() : "";
  const std::size_t space = text.find(' ', 1);
  require(space != std::string::npos, "tokenizer", where + ": a merge is no pair");
  return {text.substr(0, space), text.substr(space + 1)};
}

std::vector<std::string> joined_merges(const Json& merges, const std::string& where) {
  std::vector<std::string> list;
  for (const Json& merge : merges) {
    const auto [left, right] = halves(merge, where);
    require(left.find(' ') == std::string::npos && right.find(' ') == std::string::npos,
            "tokenizer", where + ": a merge of tokens with spaces has no form in GGUF");
    list.push_back(left + " " + right);
  }
  return list;
}

GgufVocabulary byte_level(const Json& tokenizer, const std::vector<std::string>& texts,
                          const std::string& where) {
  const std::string name = name_of_pre_tokenizer(tokenizer.value("pre_tokenizer", Json()),
                                                 tokenizer.value("normalizer", Json()));
  require(!name.empty(), "tokenizer",
          where + ": GGUF has no name that is known here for its pre-tokenizer; export another "
                  "format, as --format plain");
  return {{{key("model"), std::string("gpt2")},
           {key("pre"), name},
           {key("tokens"), texts},
           {key("token_type"), token_types(tokenizer, texts)},
           {key("merges"), joined_merges(tokenizer.at("model").at("merges"), where)}},
          0};
}

/// The tokens that merges make, in the order of the first merge of each.
std::vector<TokenId> merged_tokens(const Json& merges, const Vocabulary& vocabulary,
                                   const std::string& where) {
  std::vector<TokenId> tokens;
  std::set<TokenId> made;
  for (const Json& merge : merges) {
    const auto [left, right] = halves(merge, where);
    const auto token = vocabulary.find(left + right);
    require(token.has_value(), "tokenizer", where + ": a merge makes no token of the vocabulary");
    if (made.insert(*token).second)
      tokens.push_back(*token);
  }
  return tokens;
}

/// A score for each token: less the later it is merged, and what no merge makes last. Where ids
/// follow the merges, less the id, as SentencePiece's own models have it.
std::vector<double> merge_scores(const std::vector<TokenId>& merged, std::size_t size) {
  std::vector<double> scores(size);
  for (std::size_t id = 0; id < size; ++id)
    scores[id] = -static_cast<double>(id);
  if (std::ranges::is_sorted(merged))
    return scores;
  for (double& score : scores)
    score -= static_cast<double>(size);
  for (std::size_t i = 0; i < merged.size(); ++i)
    scores[static_cast<std::size_t>(merged[i])] = -static_cast<double>(i);
  return scores;
}

/// How many pairs join by score that the list of merges does not have. Error: a pair of the list
/// that does not join, or in another order.
std::int64_t unlisted_pairs(const std::vector<ScoredMerge>& scored, const Json& merges,
                            const std::vector<std::string>& texts, const std::string& where) {
  std::map<std::pair<std::string, std::string>, std::uint32_t> rank;
  for (const ScoredMerge& merge : scored)
    rank[{texts[static_cast<std::size_t>(merge.left)],
          texts[static_cast<std::size_t>(merge.right)]}] = merge.rank;
  std::uint32_t before = 0;
  for (const Json& merge : merges) {
    const auto found = rank.find(halves(merge, where));
    require(found != rank.end() && found->second >= before, "tokenizer",
            where + ": its merges follow from no scores, which GGUF keeps instead of them; export "
                    "another format, as --format plain");
    before = found->second;
  }
  return static_cast<std::int64_t>(scored.size()) - static_cast<std::int64_t>(merges.size());
}

GgufVocabulary sentencepiece(const Json& tokenizer, const std::vector<std::string>& texts,
                             const std::string& where) {
  const std::vector<std::int64_t> types = token_types(tokenizer, texts);
  Vocabulary vocabulary;
  std::vector<bool> mergeable;
  for (std::size_t id = 0; id < texts.size(); ++id) {
    vocabulary.add(texts[id], static_cast<std::int64_t>(id), where);
    mergeable.push_back(types[id] == gguf_token::normal);
  }
  const Json& merges = tokenizer.at("model").at("merges");
  const std::vector<double> scores =
      merge_scores(merged_tokens(merges, vocabulary, where), texts.size());
  const std::string normalizer = to_text(tokenizer.value("normalizer", Json()));
  return {
      {{key("model"), std::string("llama")},
       {key("tokens"), texts},
       {key("scores"), scores},
       {key("token_type"), types},
       {key("add_space_prefix"), normalizer.find("\"Prepend\"") != std::string::npos}},
      unlisted_pairs(merges_by_score(vocabulary, scores, mergeable, where), merges, texts, where)};
}

/// The id that a token's text or object in tokenizer_config.json has.
std::optional<std::int64_t> id_of(const Json& token, const Json& tokenizer) {
  const Json text = token.is_object() ? token.value("content", Json()) : token;
  if (!text.is_string())
    return std::nullopt;
  for (const Json& added : tokenizer.value("added_tokens", Json::array()))
    if (added.at("content") == text)
      return added.at("id").get<std::int64_t>();
  const Json& vocabulary = tokenizer.at("model").at("vocab");
  const auto found = vocabulary.find(text.get<std::string>());
  return found == vocabulary.end() ? std::nullopt : std::optional(found->get<std::int64_t>());
}

/// chat_template.jinja, or what tokenizer_config.json holds.
std::string chat_template(const std::filesystem::path& folder, const Json& config) {
  if (std::filesystem::exists(folder / "chat_template.jinja"))
    return read_text(folder / "chat_template.jinja");
  const Json text = config.value("chat_template", Json());
  return text.is_string() ? text.get<std::string>() : "";
}

GgufMetadata special_tokens_of_folder(const std::filesystem::path& folder, const Json& tokenizer) {
  const auto path = folder / "tokenizer_config.json";
  const Json config = std::filesystem::exists(path) ? read_json(path) : Json::object();
  GgufMetadata metadata;
  for (const auto& [ours, theirs] : {std::pair{"bos_token", "bos_token_id"},
                                     {"eos_token", "eos_token_id"},
                                     {"unk_token", "unknown_token_id"},
                                     {"pad_token", "padding_token_id"}})
    if (const auto id = id_of(config.value(ours, Json()), tokenizer))
      metadata.emplace_back(key(theirs), *id);
  for (const char* flag : {"add_bos_token", "add_eos_token"})
    if (config.value(flag, Json()).is_boolean())
      metadata.emplace_back(key(flag), config.at(flag).get<bool>());
  if (!config.contains("add_bos_token")) // tokenizer.json's template says it
    metadata.emplace_back(key("add_bos_token"), open_tokenizer(folder)->adds_begin_of_text());
  if (const std::string text = chat_template(folder, config); !text.empty())
    metadata.emplace_back("tokenizer.chat_template", text);
  return metadata;
}

GgufMetadata special_tokens_of_file(const GgufFile& file) {
  GgufMetadata metadata;
  for (const char* name : {"bos_token_id", "eos_token_id", "unknown_token_id", "padding_token_id",
                           "add_bos_token", "add_eos_token"})
    if (file.has(key(name)))
      metadata.emplace_back(key(name), file.metadata().at(key(name)));
  if (file.has("tokenizer.chat_template"))
    metadata.emplace_back("tokenizer.chat_template", file.text("tokenizer.chat_template"));
  return metadata;
}

} // namespace

GgufVocabulary gguf_vocabulary(const Json& tokenizer, std::int64_t size, const std::string& where) {
  const Json& model = tokenizer.at("model");
  require(model.value("type", "BPE") == "BPE", "tokenizer",
          where + ": a tokenizer of type " + model.value("type", "") +
              " has no form in GGUF that is known here; export another format, as --format plain");
  const std::vector<std::string> texts = token_texts(tokenizer, size, where);
  return model.value("byte_fallback", false) ? sentencepiece(tokenizer, texts, where)
                                             : byte_level(tokenizer, texts, where);
}

GgufMetadata gguf_special_tokens(const std::filesystem::path& path, const Json& tokenizer) {
  return std::filesystem::is_directory(path) ? special_tokens_of_folder(path, tokenizer)
                                             : special_tokens_of_file(GgufFile(path));
}

} // namespace latticelens
