#include "cli/command_options.h"

#include <cstdio>

namespace latticelens {

void add_path(CLI::App& command, const std::string& name, std::string& path,
              const std::string& help) {
  command.add_option(name, path, help)->required()->type_name("PATH");
}

void add_output_options(CLI::App& command, OutputOptions& options, const std::string& json_help) {
  command.add_flag("--json", options.json, json_help);
  command.add_flag("--quiet", options.quiet, "No progress on standard error");
}

void add_device_option(CLI::App& command, std::string& device) {
  command
      .add_option("--device", device,
                  "Where the model is run: cpu (the reference), cuda, cuda:1 ... (latticelens help "
                  "devices)")
      ->type_name("DEVICE")
      ->capture_default_str();
}

void print_result(const OutputOptions& options, const Json& result,
                  const std::function<void(const Json&)>& print) {
  if (options.json)
    std::printf("%s\n", to_text(result).c_str());
  else
    print(result);
}

CLI::Option* add_choice(CLI::App& command, const std::string& flag, std::string& value,
                        const std::string& type_name, const std::string& help) {
  return command.add_option(flag, value, help)->type_name(type_name);
}

} // namespace latticelens
