#include "cli/command_options.h"
#include "cli/commands.h"
#include "core/error.h"
#include "core/files.h"
#include "core/run_directory.h"
#include "report/analysis_page.h"
#include "report/markup.h"
#include "report/page.h"
#include <cstdio>

namespace latticelens {
namespace {

struct Options {
  std::string run, out;
  std::vector<std::string> compare;
  OutputOptions output;
};

void print_written(const Json& result) {
  std::printf("wrote %s\n", result["report"].get<std::string>().c_str());
}

void report_analysis(const Options& options) {
  require(options.compare.empty(), "report",
          options.run + " is an analysis; --compare is for runs");
  const std::filesystem::path folder = options.run;
  const std::filesystem::path path =
      options.out.empty() ? folder / "report.html" : std::filesystem::path(options.out);
  write_text(path, report::analysis_page(report::read_analysis_data(folder)));
  print_result(options.output, {{"report", report::printable(path.string())}}, print_written);
}

void run(const Options& options) {
  if (!is_run(options.run) && report::is_analysis(options.run))
    return report_analysis(options);
  const report::RunData data = report::read_run_data(options.run);
  std::vector<report::RunData> compared;
  for (const std::string& folder : options.compare)
    compared.push_back(report::read_run_data(folder));
  std::filesystem::path path = options.out;
  if (path.empty())
    path = std::filesystem::path(options.run) / "report.html";
  write_text(path, report::run_page(data, compared));
  Json result = {{"report", report::printable(path.string())}};
  result.update(report::key_numbers(data));
  print_result(options.output, result, print_written);
}

} // namespace

void add_report(CLI::App& program) {
  auto options = std::make_shared<Options>();
  CLI::App* command = program.add_subcommand(
      "report", "One HTML page that shows what a run did and what was lost; needs no network");
  add_path(*command, "RUN", options->run, "Run folder that quantize wrote, or folder of analyse");
  command->add_option("--out", options->out, "File to write (default: RUN/report.html)")
      ->type_name("FILE");
  command->add_option("--compare", options->compare, "Other runs to show beside it")
      ->type_name("PATH");
  add_output_options(
      *command, options->output,
      "Print one JSON object: report (the file), perplexity, kl, relative_error ...");
  command->footer("Example: latticelens report run/ --compare run-rtn/ run-quarot/");
  command->callback([options] { run(*options); });
}

} // namespace latticelens
