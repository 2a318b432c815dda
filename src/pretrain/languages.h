// The texts of a series, by language: what is trained on and what is held out.
#pragma once
#include "text/documents.h"

namespace latticelens {

struct Language {
  std::string name; // of its folder
  std::filesystem::path folder;
  std::vector<Document> training, held_out;
};

/// Whether a document is among the tenth that is held out: the text alone decides.
bool is_held_out(const Document& document);

/// One language a folder, in the order given. Errors: no folder, two of one name, those of
/// read_documents, a language with nothing to train on or nothing held out.
std::vector<Language> read_languages(const std::vector<std::filesystem::path>& folders);

/// XXH3-128 over all names and texts.
std::string hash_of(const std::vector<Language>& languages);

/// The lines of all training texts, for a tokenizer to be trained on; blank ones left out.
std::vector<std::string> training_lines(const std::vector<Language>& languages);

} // namespace latticelens
