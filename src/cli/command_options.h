// What commands declare alike: the model, --json, --quiet; and how a result is printed.
#pragma once
#include "core/json.h"
#include <CLI/CLI.hpp>

namespace latticelens {

inline constexpr const char* any_model = "Hugging Face folder, .gguf file or run folder";
inline constexpr const char* original_model = "Hugging Face folder or .gguf file";

/// A path that must be given, named MODEL, RUN ... in the help text.
void add_path(CLI::App& command, const std::string& name, std::string& path,
              const std::string& help);

struct OutputOptions {
  bool json = false, quiet = false;
};

/// --json and --quiet. json_help: what the one JSON document holds.
void add_output_options(CLI::App& command, OutputOptions& options, const std::string& json_help);

/// --device, where a model is run ("cpu" unless told otherwise); read it with parse_device.
void add_device_option(CLI::App& command, std::string& device);

/// To stdout: one line of JSON with --json, else as `print` does.
void print_result(const OutputOptions& options, const Json& result,
                  const std::function<void(const Json&)>& print);

/// An option whose values are told by its type name (cli/choices.h).
CLI::Option* add_choice(CLI::App& command, const std::string& flag, std::string& value,
                        const std::string& type_name, const std::string& help);

} // namespace latticelens
