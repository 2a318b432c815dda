// Folders that hold one autoencoder, as released libraries lay them out: cfg.json and a safetensors
// file. docs/sae_folders.md has the layouts and what they cannot say.
#pragma once
#include "core/json.h"
#include "sae/coder.h"
#include <filesystem>
#include <span>

namespace latticelens {

/// A coder and what is told about it: an object of any keys but the layout's own (the checkpoint's
/// step, tokens seen, learning rate, the program's version, hashes ...).
struct StoredCoder {
  Coder coder;
  Json metadata = Json::object();
};

struct CoderForm {
  const char* name; // "saelens"
  const char* help;
  const char* weights_file; // beside cfg.json: by its name a folder's form is found
  /// Makes the folder, or overwrites what is in it. cfg.json goes first and comes last, so that a
  /// folder with one is whole. Errors: check_coder's, what the layout cannot hold (with the nearest
  /// alternative), a key of `metadata` that is the layout's own.
  void (*write)(const StoredCoder& stored, const std::filesystem::path& folder);
  /// Errors: anything missing, damaged, contradictory, or that a Coder is not.
  StoredCoder (*read)(const std::filesystem::path& folder);
};

std::span<const CoderForm> coder_forms();

/// Error: no form of that name.
const CoderForm& coder_form(const std::string& name);

/// Reads a folder of whichever form it has. Errors: none or several of the forms' files, and those
/// of reading.
StoredCoder read_coder(const std::filesystem::path& folder);

} // namespace latticelens
