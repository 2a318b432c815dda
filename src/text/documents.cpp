#include "text/documents.h"

#include "core/error.h"
#include "core/files.h"
#include "core/json.h"
#include "text/utf8.h"
#include <algorithm>
#include <map>
#include <sstream>

namespace latticelens {
namespace {

namespace fs = std::filesystem;

/// .txt and .jsonl files, sorted, so that the order is the same on every file system.
std::vector<fs::path> files_below(const fs::path& folder) {
  std::vector<fs::path> files;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    const fs::path extension = entry.path().extension();
    if (entry.is_regular_file() && (extension == ".txt" || extension == ".jsonl"))
      files.push_back(fs::relative(entry.path(), folder));
  }
  std::sort(files.begin(), files.end());
  return files;
}

void add(std::vector<Document>& documents, Document document, const std::string& where) {
  require_utf8(document.text, "documents", where);
  require(document.text.find_first_not_of(" \t\r\n") != std::string::npos, "documents",
          where + ": no text in it; remove it");
  documents.push_back(std::move(document));
}

void add_lines(std::vector<Document>& documents, const fs::path& folder, const fs::path& file) {
  std::istringstream lines(read_text(folder / file));
  std::string line;
  for (std::int64_t number = 1; std::getline(lines, line); ++number) {
    const std::string where = (folder / file).string() + " line " + std::to_string(number);
    add(documents, {file, number, member<std::string>(parse_json(line, where), "text", where)},
        where);
  }
}

} // namespace

std::vector<Document> read_documents(const fs::path& folder) {
  require(fs::is_directory(folder), "documents",
          folder.string() + ": no such folder; give one with .txt or .jsonl files");
  std::vector<Document> documents;
  for (const fs::path& file : files_below(folder))
    if (file.extension() == ".jsonl")
      add_lines(documents, folder, file);
    else
      add(documents, {file, 0, read_text(folder / file)}, (folder / file).string());
  require(!documents.empty(), "documents",
          folder.string() + ": no text in it; it should have .txt files, or .jsonl files of "
                            "{\"text\": ...} lines");
  return documents;
}

void write_documents(const fs::path& folder, const std::vector<Document>& documents) {
  std::map<fs::path, std::string> files;
  for (const Document& document : documents)
    files[document.file] +=
        document.line == 0 ? document.text : to_text({{"text", document.text}}) + "\n";
  for (const auto& [file, text] : files) {
    make_directory((folder / file).parent_path());
    write_text(folder / file, text);
  }
}

} // namespace latticelens
