#include "core/error.h"
#include "text/gguf_tokenizer.h"
#include "text/sentencepiece_tokenizer.h"
#include "text/tokenizer_json.h"
#include <algorithm>

namespace latticelens {
namespace {

std::filesystem::path find_in_folder(const std::filesystem::path& folder) {
  if (std::filesystem::exists(folder / "tokenizer.json"))
    return folder / "tokenizer.json";
  std::vector<std::filesystem::path> models;
  for (const auto& entry : std::filesystem::directory_iterator(folder))
    if (entry.path().extension() == ".model")
      models.push_back(entry.path());
  require(!models.empty(), "tokenizer",
          folder.string() + ": no tokenizer.json and no SentencePiece .model; give the file");
  require(models.size() == 1, "tokenizer",
          folder.string() + ": no tokenizer.json and more than one .model; give the file");
  return models.front();
}

} // namespace

std::unique_ptr<Tokenizer> open_tokenizer(const std::filesystem::path& path) {
  require(std::filesystem::exists(path), "tokenizer", path.string() + ": no such file or folder");
  const auto file = std::filesystem::is_directory(path) ? find_in_folder(path) : path;
  if (file.extension() == ".json")
    return open_tokenizer_json(file);
  if (file.extension() == ".model")
    return open_sentencepiece(file);
  if (file.extension() == ".gguf")
    return open_gguf_tokenizer(file);
  throw Error("tokenizer",
              file.string() + ": unknown kind of file; give a tokenizer.json, .model or .gguf");
}

} // namespace latticelens
