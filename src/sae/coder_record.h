// What our own coder folders say beyond their layout, under the key "latticelens" of the metadata,
// and the file that keeps what the layout's units would round.
//
// A coder is positively homogeneous: with biases and thresholds times a number it serves inputs
// times that number, its latents are so many times as large, and no weight changes. So a scaling of
// inputs that a layout lacks, or has in another unit, costs the biases' last bit and nothing else.
#pragma once
#include "core/json.h"
#include "sae/coder.h"
#include <filesystem>
#include <optional>

namespace latticelens {

/// The coder whose b_enc, b_dec and thresholds are `unit` times the given one's: products in fp64,
/// rounded once.
Coder in_unit(const Coder& coder, double unit);

struct CoderRecord {
  CoderConfig config; // thresholds are undefined: they are tensors
  double unit = 1;    // biases and thresholds of the folder are so many times the coder's
};

/// The record as an object. inputs: a sentence on how a user of the layout has to scale inputs.
Json to_json(const CoderRecord& record, const std::string& inputs);

/// The record in a folder's metadata; nothing where there is none: another program's folder.
/// Errors, naming `where`: of another type, contradictory.
std::optional<CoderRecord> read_record(const Json& metadata, const std::string& where);

/// Writes latticelens.safetensors into the folder: biases and thresholds to the bit. With a unit of
/// 1 the layout holds them itself, and a file of an earlier coder is removed.
void write_exact_biases(const Coder& coder, double unit, const std::filesystem::path& folder);

/// The coder of a folder with a record. stored: as the layout has it; unit: what the layout asks
/// for. Without latticelens.safetensors (another program wrote the folder anew) biases are divided,
/// which may change their last bit. Errors: the record has another unit; the file does not belong
/// to what is stored.
Coder restore(const Coder& stored, const CoderRecord& record, double unit,
              const std::filesystem::path& folder);

} // namespace latticelens
