#include "cli/sae_texts.h"

#include <iterator>

namespace latticelens {

std::vector<Document> read_document_folders(const std::vector<std::string>& folders) {
  std::vector<Document> all;
  for (const std::string& folder : folders) {
    std::vector<Document> some = read_documents(folder);
    for (Document& document : some)
      document.file = std::filesystem::path(folder) / document.file;
    all.insert(all.end(), std::make_move_iterator(some.begin()),
               std::make_move_iterator(some.end()));
  }
  return all;
}

std::string place_of(const Document& document) {
  return document.file.string() +
         (document.line > 0 ? " line " + std::to_string(document.line) : "");
}

} // namespace latticelens
