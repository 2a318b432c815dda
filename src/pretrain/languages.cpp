#include "pretrain/languages.h"

#include "core/error.h"
#include "core/files.h"
#include <set>
#include <sstream>

namespace latticelens {
namespace {

namespace fs = std::filesystem;

std::string name_of(const fs::path& folder) {
  const fs::path whole = fs::absolute(folder).lexically_normal();
  return whole.has_filename() ? whole.filename().string()
                              : whole.parent_path().filename().string(); // "ja/"
}

Language read_language(const fs::path& folder) {
  Language language{.name = name_of(folder), .folder = folder};
  for (Document& document : read_documents(folder))
    (is_held_out(document) ? language.held_out : language.training).push_back(std::move(document));
  const auto check = [&](const std::vector<Document>& part, const char* what) {
    require(!part.empty(), "pretrain",
            folder.string() + ": no document is " + what +
                " (a hash of the text holds out one in ten); give more documents");
  };
  check(language.training, "left to train on");
  check(language.held_out, "held out");
  return language;
}

} // namespace

bool is_held_out(const Document& document) {
  return std::stoull(text_hash(document.text).substr(0, 8), nullptr, 16) % 10 == 0;
}

std::vector<Language> read_languages(const std::vector<fs::path>& folders) {
  require(!folders.empty(), "pretrain", "no text; give --text FOLDER, one for each language");
  std::vector<Language> languages;
  std::set<std::string> names;
  for (const fs::path& folder : folders) {
    languages.push_back(read_language(folder));
    require(names.insert(languages.back().name).second, "pretrain",
            folder.string() + ": another --text folder is named \"" + languages.back().name +
                "\" too; the name stands for the language, so give another");
  }
  return languages;
}

std::string hash_of(const std::vector<Language>& languages) {
  std::string all;
  for (const Language& language : languages)
    for (const auto* part : {&language.training, &language.held_out})
      for (const Document& document : *part)
        all += language.name + " " + document.file.string() + " " + std::to_string(document.line) +
               " " + text_hash(document.text) + "\n";
  return text_hash(all);
}

std::vector<std::string> training_lines(const std::vector<Language>& languages) {
  std::vector<std::string> all;
  for (const Language& language : languages)
    for (const Document& document : language.training) {
      std::istringstream lines(document.text);
      for (std::string line; std::getline(lines, line);)
        if (line.find_first_not_of(" \t\r") != std::string::npos)
          all.push_back(line);
    }
  return all;
}

} // namespace latticelens
