// The documents that `sae` commands read.
#pragma once
#include "text/documents.h"

namespace latticelens {

/// All documents of some folders, their files with the folders' names.
std::vector<Document> read_document_folders(const std::vector<std::string>& folders);

/// "ja/a.txt", "en/b.jsonl line 3".
std::string place_of(const Document& document);

} // namespace latticelens
