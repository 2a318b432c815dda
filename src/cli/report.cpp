#include "cli/command_options.h"
#include "cli/commands.h"
#include "core/error.h"
#include "core/files.h"
#include "core/run_directory.h"
#include "report/page.h"
#include "report/printable.h"
#include "report/sae_json.h"
#include "report/summary.h"
#include <cstdio>

namespace latticelens {
namespace {

struct Options {
  std::vector<std::string> folders;
  std::string out;
  OutputOptions output;
};

std::filesystem::path page_path(const Options& options, const std::filesystem::path& fallback) {
  return options.out.empty() ? fallback : std::filesystem::path(options.out);
}

void print_written(const Json& result) {
  std::printf("wrote %s\n", result["report"].get<std::string>().c_str());
}

/// Says which file was written, and with --json the numbers too.
void say(const Options& options, const std::filesystem::path& page, const Json& numbers) {
  Json result = {{"report", report::printable(page.string())}};
  result.update(numbers);
  print_result(options.output, result, print_written);
}

void report_analysis(const Options& options, const std::filesystem::path& folder) {
  const std::filesystem::path page = page_path(options, folder / "report.html");
  write_text(page, report::analysis_page(report::read_analysis_data(folder)));
  say(options, page, Json::object());
}

void report_sae(const Options& options, const std::filesystem::path& folder) {
  const report::SaeData data = report::read_sae_data(folder);
  const std::filesystem::path page = page_path(options, folder / "report.html");
  write_text(page, report::sae_page(data));
  say(options, page, report::sae_key_numbers(data));
}

void report_run(const Options& options, const std::filesystem::path& folder) {
  const report::RunData data = report::read_run_data(folder);
  const std::filesystem::path page = page_path(options, folder / "report.html");
  write_text(page, report::run_page(data));
  say(options, page, report::key_numbers(data));
}

Json compared_numbers(const std::vector<report::ComparedRun>& runs) {
  Json rows = Json::array();
  for (const report::ComparedRun& run : runs) {
    Json row = run.run ? report::key_numbers(*run.run) : Json{{"method", run.method}};
    row["name"] = run.name;
    rows.push_back(std::move(row));
  }
  return {{"runs", std::move(rows)}};
}

/// One table in its own folder: its rows get pages of their own, for the table to link to.
void report_table(const Options& options, const std::filesystem::path& folder) {
  const std::vector<report::ComparedRun> runs = report::read_compared({folder});
  for (const report::ComparedRun& run : runs)
    if (run.run)
      write_text(run.folder / "report.html", report::run_page(*run.run));
  const std::filesystem::path page = folder / "report.html";
  write_text(page, report::comparison_page(runs, folder));
  say(options, page, compared_numbers(runs));
}

void report_several(const Options& options) {
  for (const std::string& folder : options.folders)
    require(is_run(folder) || report::is_table(folder), "report",
            folder + ": is neither a run nor a table of bench; only these are compared");
  const std::vector<report::ComparedRun> runs =
      report::read_compared({options.folders.begin(), options.folders.end()});
  const std::filesystem::path page = page_path(options, "comparison.html");
  write_text(page, report::comparison_page(runs));
  say(options, page, compared_numbers(runs));
}

void run(const Options& options) {
  const std::filesystem::path folder = options.folders.front();
  if (options.folders.size() > 1)
    return report_several(options);
  if (is_run(folder))
    return report_run(options, folder);
  if (report::is_table(folder))
    return options.out.empty() ? report_table(options, folder) : report_several(options);
  if (report::is_analysis(folder))
    return report_analysis(options, folder);
  if (report::is_sae_folder(folder))
    return report_sae(options, folder);
  report_run(options, folder); // says what it is not
}

} // namespace

void add_report(CLI::App& program) {
  auto options = std::make_shared<Options>();
  CLI::App* command = program.add_subcommand(
      "report", "One HTML page that shows what a run did and what was lost, or several runs beside "
                "each other; needs no network");
  command
      ->add_option(
          "RUN", options->folders,
          "Run folder that quantize wrote, or folder of bench, analyse or sae; several runs "
          "or tables are compared")
      ->required()
      ->type_name("DIR ...");
  command
      ->add_option("--out", options->out,
                   "File to write (default: RUN/report.html, of several comparison.html)")
      ->type_name("FILE");
  add_output_options(
      *command, options->output,
      "Print one JSON object: report (the file), perplexity, kl, relative_error ...");
  command->footer("Example: latticelens report run/\n"
                  "         latticelens report run/ run-rtn/ run-quarot/ --out comparison.html\n"
                  "         latticelens report bench/\n"
                  "         latticelens report saes/");
  command->callback([options] { run(*options); });
}

} // namespace latticelens
