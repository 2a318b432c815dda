// The forms that a model is written in, for `export`, which rounds where it must, and `convert`,
// which does not.
#pragma once
#include "cli/command_options.h"

namespace latticelens {

struct WriteOptions {
  std::string model, out, form, dtype = "bf16", shard_size = "5GB", type, outer_type;
  bool exact = false; // refuse what would change a value
  OutputOptions output;
};

struct ModelForm {
  const char* name; // "gguf"
  const char* help;
};
const std::vector<ModelForm>& model_forms();
/// "plain|gguf|..."
std::string model_form_choices();

/// --out, --dtype, --shard-size, --type, --outer-type, --json, --quiet.
void add_write_options(CLI::App& command, WriteOptions& options);

/// Writes the model and prints what was written.
void write_model(const WriteOptions& options);

} // namespace latticelens
