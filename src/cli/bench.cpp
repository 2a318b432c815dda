#include "cli/bench_run.h"
#include "cli/bench_table.h"
#include "cli/command_options.h"
#include "cli/commands.h"
#include "core/error.h"
#include "core/work_folder.h"
#include "quantize/method.h"
#include <algorithm>
#include <cstdio>

namespace latticelens {
namespace {

struct Options {
  BenchSettings settings;
  std::string preset, axis, methods;
  OutputOptions output;
};

template<typename Named>
const Named& named(const std::vector<Named>& table, const char* what, const std::string& name) {
  std::string known;
  for (const Named& row : table) {
    if (name == row.name)
      return row;
    known += (known.empty() ? "" : ", ") + std::string(row.name);
  }
  throw Error("bench", std::string(what) + " \"" + name + "\" is unknown; known: " + known);
}

template<typename Named>
std::string help_of(const char* start, const std::vector<Named>& table) {
  std::string text = start;
  for (const Named& row : table)
    text += std::string(&row == table.data() ? ": " : "; ") + row.name + " (" + row.help + ")";
  return text;
}

/// Everything that can be wrong with the choice of rows, before the model is read.
void check_choice(const Options& options) {
  const int given = !options.preset.empty() + !options.axis.empty() + !options.methods.empty();
  require(given == 1, "bench",
          "give one of --preset, --axis and --methods; `latticelens bench --help` lists them");
  if (!options.preset.empty())
    named(bench_presets(), "preset", options.preset);
  if (!options.axis.empty())
    named(bench_axes(), "axis", options.axis);
}

std::vector<BenchRow> rows_of(const Options& options, const Config& config) {
  if (!options.methods.empty())
    return read_bench_rows(options.methods);
  return options.axis.empty() ? named(bench_presets(), "preset", options.preset).rows()
                              : named(bench_axes(), "axis", options.axis).rows(config);
}

void check_rows(const Options& options, const std::vector<BenchRow>& rows) {
  require_distinct(rows);
  for (const BenchRow& row : rows) {
    require(!needs_text(parse_method(row.method)) || !options.settings.calibration.files.empty(),
            "bench",
            "the row \"" + row.name + "\" needs a text to calibrate on; give --calibration FILE");
  }
}

Json facts_of(const Options& options, const std::vector<Json>& rows) {
  const BenchSettings& settings = options.settings;
  return {{"program", "latticelens " LATTICELENS_VERSION},
          {"model", settings.model},
          {"preset", options.preset},
          {"axis", options.axis},
          {"methods", options.methods},
          {"calibration", settings.calibration.files},
          {"text", settings.text.files},
          {"rows", rows}};
}

/// One row, or why there is none.
Json row_json(Bench& bench, const BenchRow& row, const std::string& place, bool quiet) {
  const std::string obstacle = bench.obstacle(row);
  const char* state = !obstacle.empty() ? " (skipped)" : bench.finished(row) ? " (kept)" : "";
  if (!quiet)
    std::fprintf(stderr, "%s: %s%s\n", place.c_str(), row.name.c_str(), state);
  if (!obstacle.empty())
    return {{"name", row.name},
            {"baseline", row.baseline},
            {"method", row.method},
            {"skipped", obstacle}};
  try {
    Json json = bench.result(row);
    json["baseline"] = row.baseline;
    return json;
  } catch (const Error& error) {
    if (!quiet)
      std::fprintf(stderr, "%s: %s failed: %s\n", place.c_str(), row.name.c_str(), error.what());
    return {{"name", row.name},
            {"baseline", row.baseline},
            {"method", row.method},
            {"failed", error.what()}};
  }
}

bool has_numbers(const Json& row) {
  return !row.contains("skipped") && !row.contains("failed");
}

std::int64_t failures(const std::vector<Json>& rows) {
  return std::count_if(rows.begin(), rows.end(),
                       [](const Json& row) { return row.contains("failed"); });
}

void print_whole(const BenchTable& table, const std::vector<Json>& rows) {
  std::printf("\nthe whole table\n");
  table.head();
  for (const Json& row : rows)
    if (has_numbers(row)) {
      table.original(row);
      break;
    }
  for (const Json& row : rows)
    table.row(row);
}

void print_words(const Options& options) {
  std::printf(
      "\nexcess: mean loss above the original's, nats a token. removed: share of the excess of "
      "round-to-nearest (rtn).\nKL, top-1: against the original. bits: a weight, scales included. "
      "seconds, peak: of quantize.\nwrote %s\n",
      (std::filesystem::path(options.settings.out) / "bench.json").string().c_str());
}

BenchTable table_of(const std::vector<BenchRow>& rows, bool tasks) {
  std::size_t width = std::string("original").size();
  for (const BenchRow& row : rows)
    width = std::max(width, row.name.size());
  return {static_cast<int>(width), tasks};
}

void run(const Options& options) {
  check_choice(options);
  Bench bench(options.settings);
  const std::vector<BenchRow> rows = rows_of(options, bench.model().config);
  check_rows(options, rows);
  for (const BenchRow& row : rows)
    bench.require_same_method(row);
  WorkFolder folder(options.settings.out, "bench.json", bench.identity());
  const BenchTable table = table_of(rows, !options.settings.tasks.names.empty());
  if (!options.output.json)
    table.head();
  std::vector<Json> done;
  for (const BenchRow& row : rows) {
    const std::string place =
        "row " + std::to_string(done.size() + 1) + " of " + std::to_string(rows.size());
    done.push_back(row_json(bench, row, place, options.settings.quiet));
    add_shares(done);
    folder.write(done.size() == rows.size() && failures(done) == 0, facts_of(options, done));
    if (!options.output.json)
      table.row(done.back());
  }
  const std::int64_t failed = failures(done);
  if (failed == 0)
    bench.remove_working_files();
  print_result(options.output, read_work_file(folder.path() / "bench.json"), [&](const Json&) {
    print_whole(table, done);
    print_words(options);
  });
  require(failed == 0, "bench",
          std::to_string(failed) + " of " + std::to_string(rows.size()) +
              " rows failed (above); the same command keeps the others and tries these again");
}

void add_rows(CLI::App& command, Options& options) {
  add_choice(command, "--preset", options.preset, "TABLE",
             help_of("A table of methods", bench_presets()));
  add_choice(command, "--axis", options.axis, "AXIS", help_of("One thing varied", bench_axes()));
  command
      .add_option("--methods", options.methods,
                  "A file of rows, \"NAME: method string\" a line; the row named rtn is what the "
                  "others are measured by")
      ->type_name("FILE");
}

void add_texts(CLI::App& command, BenchSettings& settings) {
  add_text_options(command, settings.calibration, "--calibration",
                   "UTF-8 text files to calibrate on");
  command.add_option("--text", settings.text.files, "UTF-8 text files to predict")
      ->required()
      ->type_name("FILE");
  command
      .add_option("--evaluation-windows", settings.text.windows,
                  "Windows of --text to use, from the start (0: all that the text has)")
      ->capture_default_str()
      ->check(CLI::Range(0, 1 << 20));
}

} // namespace

void add_bench(CLI::App& program) {
  auto options = std::make_shared<Options>();
  CLI::App* command = program.add_subcommand(
      "bench", "A table of methods on one model: quantize, evaluate, one row after the other");
  BenchSettings& settings = options->settings;
  add_path(*command, "MODEL", settings.model, original_model);
  add_rows(*command, *options);
  add_texts(*command, settings);
  add_task_options(*command, settings.tasks);
  command
      ->add_option("--out", settings.out,
                   "Folder of the table; the same command continues a killed one")
      ->required()
      ->type_name("DIR");
  command->add_option("--seed", settings.seed, "Seed of every random draw")->capture_default_str();
  command->add_flag("--keep-models", settings.keep_models,
                    "Keep the quantized models of finished rows (DIR/rows/NAME/model)");
  add_output_options(*command, options->output, "Print bench.json instead of the table");
  command->footer("Example: latticelens bench MODEL --preset paper --calibration train.txt "
                  "--windows 16 --text test.txt --evaluation-windows 16 --out bench/");
  command->callback([options] {
    options->settings.text.window = options->settings.calibration.window;
    options->settings.quiet = options->output.quiet;
    run(*options);
  });
}

} // namespace latticelens
