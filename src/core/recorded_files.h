// What a folder's files were when they were written: their sizes and checksums, kept in its
// run.json.
#pragma once
#include "core/json.h"
#include <vector>

namespace latticelens {

/// {"bytes": N, "xxh3_128": 32 hexadecimal digits} of a file as it is now.
Json record_of(const std::filesystem::path& file);

/// A file that is not what its record says.
struct Damage {
  std::string name;   // as in the records: "model/config.json"
  std::string reason; // "is missing", "has 12 of 40 bytes", "has other bytes than were written"
};

/// Reads every recorded file below `folder`, on up to `threads` threads; in the records' order.
/// Errors: records that are none, names that leave the folder, a file that cannot be read.
std::vector<Damage> damaged_files(const std::filesystem::path& folder, const Json& records,
                                  int threads);

/// What run.json says of the files whose names begin with `prefix`; nothing when it was written
/// before there were records.
Json records_in(const Json& run, const std::string& prefix = "");

/// Error when one of these files of a finished run is damaged, saying what to do about it.
void require_intact(const std::filesystem::path& folder, const Json& records, int threads);

} // namespace latticelens
