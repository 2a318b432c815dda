#include "quantize/carried_files.h"

#include "core/files.h"
#include "core/progress.h"
#include "text/tokenizer.h"
#include <set>

namespace latticelens {
namespace {

constexpr std::int64_t megabyte = 1'000'000;

constexpr const char* carried[] = {"tokenizer.json",
                                   "tokenizer.model",
                                   "tokenizer_config.json",
                                   "special_tokens_map.json",
                                   "added_tokens.json",
                                   "generation_config.json",
                                   "chat_template.jinja",
                                   "chat_template.json",
                                   "vocab.json",
                                   "merges.txt"};

void write_from_gguf(const std::filesystem::path& original, const std::filesystem::path& folder) {
  write_text(folder / "tokenizer.json", open_tokenizer(original)->to_tokenizer_json());
  const GgufFile file(original);
  Json config = {{"tokenizer_class", "PreTrainedTokenizerFast"},
                 {"clean_up_tokenization_spaces", false}};
  const auto token_text = [&](const char* key, const char* name) {
    if (!file.has(key))
      return;
    const auto& tokens = file.texts("tokenizer.ggml.tokens");
    const std::int64_t id = file.integer(key);
    if (id >= 0 && id < static_cast<std::int64_t>(tokens.size()))
      config[name] = tokens[id];
  };
  token_text("tokenizer.ggml.bos_token_id", "bos_token");
  token_text("tokenizer.ggml.eos_token_id", "eos_token");
  token_text("tokenizer.ggml.unknown_token_id", "unk_token");
  token_text("tokenizer.ggml.padding_token_id", "pad_token");
  for (const char* flag : {"add_bos_token", "add_eos_token"})
    if (const std::string key = std::string("tokenizer.ggml.") + flag; file.has(key))
      config[flag] = file.boolean(key);
  if (file.has("tokenizer.chat_template"))
    config["chat_template"] = file.text("tokenizer.chat_template");
  write_text(folder / "tokenizer_config.json", config.dump(2) + "\n");
}

/// The one .gguf file, or what makes a folder this model and no other.
std::set<std::filesystem::path> hashed_files(const std::filesystem::path& model) {
  if (!std::filesystem::is_directory(model))
    return {model};
  std::set<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(model))
    if (entry.path().extension() == ".safetensors" || entry.path().filename() == "config.json")
      files.insert(entry.path());
  return files;
}

} // namespace

void carry_files(const std::filesystem::path& original, const std::filesystem::path& folder) {
  if (!std::filesystem::is_directory(original))
    return write_from_gguf(original, folder);
  for (const char* name : carried)
    if (std::filesystem::exists(original / name))
      write_text(folder / name, read_text(original / name));
}

std::string model_hash(const std::filesystem::path& model, bool quiet) {
  const std::set<std::filesystem::path> files = hashed_files(model);
  std::int64_t bytes = 0, megabytes = 0;
  for (const auto& file : files)
    bytes += static_cast<std::int64_t>(std::filesystem::file_size(file));
  Progress progress("identify the model", "MB", bytes / megabyte, quiet);
  std::int64_t read = 0;
  const auto step = [&](std::int64_t more) {
    read += more;
    progress.step("", read / megabyte - megabytes);
    megabytes = read / megabyte;
  };
  if (!std::filesystem::is_directory(model))
    return file_hash(model, step);
  std::string all;
  for (const auto& file : files)
    all += file.filename().string() + " " + file_hash(file, step) + "\n";
  return text_hash(all);
}

} // namespace latticelens
