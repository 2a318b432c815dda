// The evaluation of a quantized run with packed products against the same model's simulation in
// fp32, and what the linears of one block take of either. Medians of alternating repeats. When
// TRANSFORMERS names a Python that has transformers and torchao, theirs is timed in the same run.
#include "bench/timings.h"
#include "core/error.h"
#include "core/memory.h"
#include "core/run_directory.h"
#include "evaluate/language_model.h"
#include "quantize/export_dequantized.h"
#include "quantize/packed_model.h"
#include "tensor/token_rows.h"
#include "text/corpus.h"
#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <unistd.h>

namespace latticelens {
namespace {

constexpr int repeats = 5;

Model simulated(const OpenedModel& opened) {
  Model model = opened.model;
  model.load_to_run = {};
  return model;
}

void line(const char* what, const Timings& timings, const std::string& packed,
          const std::string& fp32) {
  const double ours = timings.median(packed), theirs = timings.median(fp32);
  std::printf("| %s | %.4f | %.4f | %.2fx |\n", what, ours, theirs, theirs / ours);
}

/// The inputs of all stages of one block go through the stages' functions and linears.
void run_linears(const Model& model, const Block& block, std::int64_t tokens) {
  for (const Stage& stage : model.layout->stages) {
    const std::int64_t in = shape_of(*model.layout, stage.linears.front()).in;
    const Tensor x = block.inputs.at(stage.name)(at::ones({1, tokens, in}));
    for (const std::string& name : stage.linears)
      block.linears.at(name)(x);
  }
}

/// Removed with all that it holds when it goes.
struct TemporaryFolder {
  std::filesystem::path path =
      std::filesystem::temp_directory_path() / ("latticelens-bench-" + std::to_string(getpid()));
  ~TemporaryFolder() { std::filesystem::remove_all(path); }
};

/// transformers with torchao's quantizer before every linear, on the same weights and tokens.
void peer_line(const char* python, const std::string& run, const OpenedModel& opened,
               const TokenWindows& windows, double ours) {
  const TemporaryFolder folder;
  const std::filesystem::path plain = folder.path / "plain", ids = folder.path / "ids.txt",
                              answer = folder.path / "answer.txt";
  std::filesystem::create_directories(folder.path);
  export_dequantized(opened, plain, {.storage = Storage::fp32});
  std::ofstream out(ids);
  for (const TokenId id : windows.ids)
    out << id << "\n";
  out.close();
  const std::string command = std::string(python) + " " +
                              LATTICELENS_BENCH "/time_transformers.py " + plain.string() + " " +
                              ids.string() + " " + std::to_string(windows.length) + " " +
                              std::to_string(at::get_num_threads()) + " > " + answer.string();
  require(std::system(command.c_str()) == 0, "bench",
          "transformers failed on " + run +
              ": TRANSFORMERS must name a Python with torch, torchao and transformers");
  double seconds = 0, perplexity = 0;
  std::ifstream(answer) >> seconds >> perplexity;
  std::printf("| evaluate, transformers with torchao | %.4f | %.4f | %.2fx |\n\n"
              "transformers: perplexity %.6f (the same weights; the same activations only if they "
              "are plain mxfp4 and nothing is rotated online)\n",
              ours, seconds, seconds / ours, perplexity);
}

void run(const std::string& path, const char* text, std::int64_t window, std::int64_t count) {
  const OpenedModel opened = open_model(path);
  const Model fp32 = simulated(opened);
  const auto tokenizer = open_tokenizer(is_run(path) ? path + "/model" : path);
  const TokenWindows windows = cut_windows(*tokenizer, read_corpus({text}), window, count);
  const std::vector<Tensor> rows = token_rows(windows.ids, windows.length);
  Timings timings;
  Evaluation packed, plain;
  for (int i = 0; i < repeats; ++i) {
    timings.measure("evaluate packed", [&] { packed = evaluate(opened.model, nullptr, windows); });
    timings.measure("evaluate fp32", [&] { plain = evaluate(fp32, nullptr, windows); });
    timings.measure("blocks packed", [&] { run_decoder(opened.model, rows); });
    timings.measure("blocks fp32", [&] { run_decoder(fp32, rows); });
    Block one, other;
    timings.measure("load packed", [&] { one = load_block_to_run(opened.model, 0); });
    timings.measure("load fp32", [&] { other = load_block(fp32, 0); });
    timings.measure("linears packed", [&] { run_linears(opened.model, one, window); });
    timings.measure("linears fp32", [&] { run_linears(fp32, other, window); });
  }
  std::string load;
  std::getline(std::ifstream("/proc/loadavg"), load, ' ');
  std::printf(
      "%lld windows of %lld tokens, %d threads, load %s; medians of %d alternating repeats\n"
      "perplexity %.6f, simulated %.6f\n\n| what | packed, seconds | fp32, seconds | faster "
      "|\n|---|---|---|---|\n",
      static_cast<long long>(windows.count), static_cast<long long>(window), at::get_num_threads(),
      load.c_str(), repeats, packed.perplexity, plain.perplexity);
  line("evaluate", timings, "evaluate packed", "evaluate fp32");
  line("the same without the head", timings, "blocks packed", "blocks fp32");
  line("inputs and linears of one block, one window", timings, "linears packed", "linears fp32");
  line("load one block", timings, "load packed", "load fp32");
  if (const char* python = std::getenv("TRANSFORMERS"))
    peer_line(python, path, opened, windows, timings.median("evaluate packed"));
}

} // namespace
} // namespace latticelens

int main(int count, char** arguments) {
  latticelens::keep_freed_memory();
  if (count != 5) {
    std::fprintf(stderr, "usage: bench_packed_forward RUN TEXT WINDOW WINDOWS\n"
                         "example: bench_packed_forward run/ text.txt 512 8\n");
    return 2;
  }
  try {
    latticelens::run(arguments[1], arguments[2], std::atoll(arguments[3]),
                     std::atoll(arguments[4]));
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 2;
  }
}
