#include "text/tokenizer_config.h"

#include "core/json.h"

namespace latticelens {

TokenizerConfig read_tokenizer_config(const std::filesystem::path& tokenizer) {
  const auto path = tokenizer.parent_path() / "tokenizer_config.json";
  TokenizerConfig config;
  if (!std::filesystem::exists(path))
    return config;
  const std::string where = path.string();
  const Json json = read_json(path);
  const Json begin = member_or<Json>(json, "bos_token", nullptr, where);
  if (begin.is_object())
    config.begin_of_text = member<std::string>(begin, "content", where);
  else if (!begin.is_null())
    config.begin_of_text = member<std::string>(json, "bos_token", where);
  if (json.contains("add_bos_token") && !json.at("add_bos_token").is_null())
    config.adds_begin_of_text = member<bool>(json, "add_bos_token", where);
  return config;
}

} // namespace latticelens
