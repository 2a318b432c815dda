// Texts as documents: every .txt file below a folder, every {"text": ...} line of its .jsonl files.
#pragma once
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace latticelens {

struct Document {
  std::filesystem::path file; // below the folder that it was read from
  std::int64_t line = 0;      // of a .jsonl file, from 1; 0: the file is the document
  std::string text;           // UTF-8, not empty
};

/// In the order of their files' names. Errors, naming the file: no folder, no document in it, one
/// that is empty or not UTF-8, a line without "text".
std::vector<Document> read_documents(const std::filesystem::path& folder);

/// Writes documents of one read_documents, in its order, below another folder: files and lines as
/// they were, without those that are not among them.
void write_documents(const std::filesystem::path& folder, const std::vector<Document>& documents);

} // namespace latticelens
