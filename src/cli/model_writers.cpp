#include "cli/model_writers.h"

#include "core/byte_size.h"
#include "core/error.h"
#include "core/progress.h"
#include "core/words.h"
#include "quantize/export_dequantized.h"
#include "quantize/export_gguf.h"
#include "quantize/export_packed.h"
#include <cstdio>

namespace latticelens {
namespace {

Json write_plain(const OpenedModel& opened, const WriteOptions& options, Progress& progress) {
  const PlainRequest request{parse_storage(options.dtype), parse_byte_size(options.shard_size),
                             options.exact};
  const PlainSummary summary =
      export_dequantized(opened, options.out, request, [&](std::int64_t) { progress.step(); });
  return {{"dtype", options.dtype},
          {"tensors", summary.tensors},
          {"exact_tensors", summary.exact},
          {"relative_error", summary.energy > 0 ? summary.error / summary.energy : 0.0}};
}

Json write_gguf(const OpenedModel& opened, const WriteOptions& options, Progress& progress) {
  const auto choose = options.exact ? choose_exact_gguf_types : choose_gguf_types;
  const GgufTypes types = choose(opened, options.type, options.outer_type);
  const GgufSummary summary = export_gguf(
      opened, options.out, types, [&](std::int64_t) { progress.step(); }, options.exact);
  std::int64_t all = 0;
  for (const auto& [type, count] : summary.linears)
    all += count;
  return {{"type", types.linear->name},
          {"outer_type", types.outer->name},
          {"linears", all},
          {"linears_by_type", summary.linears},
          {"exact_linears", summary.exact},
          {"narrow_linears", summary.narrow},
          {"relative_error", summary.energy > 0 ? summary.error / summary.energy : 0.0},
          {"unlisted_token_pairs", summary.unlisted_pairs}};
}

Json write_packed(const PackedForm& form, const OpenedModel& opened, const WriteOptions& options,
                  Progress& progress) {
  const PackedRequest request{form.choose(opened, options.type), parse_storage(options.dtype),
                              parse_byte_size(options.shard_size), options.exact};
  const PackedSummary summary =
      export_packed(opened, form, options.out, request, [&](std::int64_t) { progress.step(); });
  const std::optional<Format>& activation = request.target.activation;
  return {{"type", request.target.weight.name},
          {"activation", activation ? Json(activation->name) : Json(nullptr)},
          {"dtype", options.dtype},
          {"linears", summary.linears},
          {"exact_linears", summary.exact},
          {"relative_error", summary.energy > 0 ? summary.error / summary.energy : 0.0}};
}

Json write_compressed(const OpenedModel& opened, const WriteOptions& options, Progress& progress) {
  return write_packed(compressed_tensors_form(), opened, options, progress);
}

Json write_fp_quant(const OpenedModel& opened, const WriteOptions& options, Progress& progress) {
  return write_packed(fp_quant_form(), opened, options, progress);
}

Json write_gpt_oss(const OpenedModel& opened, const WriteOptions& options, Progress& progress) {
  return write_packed(gpt_oss_form(), opened, options, progress);
}

struct Writer {
  ModelForm form;
  Json (*write)(const OpenedModel&, const WriteOptions&, Progress&);
};

const std::vector<Writer>& writers() {
  static const std::vector<Writer> table = {
      {{"plain", "a Hugging Face folder of the weights' values"}, write_plain},
      {{"gguf", "one file for llama.cpp"}, write_gguf},
      {{"compressed-tensors", "a Hugging Face folder of packed weights"}, write_compressed},
      {{"fp-quant", "MXFP4 with a rotation at every input, for FP-Quant's kernels"},
       write_fp_quant},
      {{"gpt-oss", "experts in MXFP4, as gpt-oss is published"}, write_gpt_oss},
  };
  return table;
}

const Writer& writer_named(const std::string& name) {
  for (const Writer& writer : writers())
    if (name == writer.form.name)
      return writer;
  throw Error("export", "\"" + name + "\" is unknown; known: " + names_of(model_forms()));
}

/// What the model does beyond its weights, which is not in what is written.
Json left_out(const OpenedModel& opened, const Json& written) {
  Json left = Json::array();
  const auto add = [&](const char* key, const std::optional<Format>& format, bool kept) {
    if (format && !kept)
      left.push_back(std::string(key) + "=" + format->name);
  };
  const bool kept = written.contains("activation") && !written["activation"].is_null();
  add("activation", opened.activations.format, kept);
  if (opened.settings.centred)
    left.push_back("centre=mean");
  add("kv", opened.activations.kv, kept);
  return left;
}

/// kind: "linear" or "tensor".
void print_exactness(const Json& result, const std::string& kind = "linear") {
  const Json &exact = result["exact_" + kind + "s"], &all = result[kind + "s"];
  if (exact == all)
    std::printf("every %s keeps its values exactly\n", kind.c_str());
  else
    std::printf("%s of %s %ss keep their values exactly; error of all: %.3g %% of their squares\n",
                exact.dump().c_str(), all.dump().c_str(), kind.c_str(),
                100 * result["relative_error"].get<double>());
}

void print_gguf(const Json& result) {
  std::string linears;
  for (const auto& [type, count] : result["linears_by_type"].items())
    linears += (linears.empty() ? "" : ", ") + count.dump() + " linears in " + type;
  std::printf("wrote %s: %s; embedding and head in %s\n", result["out"].get<std::string>().c_str(),
              linears.c_str(), result["outer_type"].get<std::string>().c_str());
  if (result["narrow_linears"] > 0)
    std::printf("%s linears have rows that are no whole blocks of %s and took another type, as in "
                "llama.cpp\n",
                result["narrow_linears"].dump().c_str(), result["type"].get<std::string>().c_str());
  if (result["unlisted_token_pairs"] > 0)
    std::printf("GGUF joins tokens by score: %s pairs join that tokenizer.json does not list, so "
                "some ids may differ (llama.cpp's own converter does the same)\n",
                result["unlisted_token_pairs"].dump().c_str());
  print_exactness(result);
}

void print_written(const Json& result) {
  const std::string out = result["out"].get<std::string>();
  if (result["format"] == "gguf") {
    print_gguf(result);
  } else if (result.contains("dtype") && result.contains("type")) {
    std::printf("wrote %s: %s linears in %s, inputs %s\n", out.c_str(),
                result["linears"].dump().c_str(), result["type"].get<std::string>().c_str(),
                result["activation"].is_null()
                    ? "not quantized"
                    : ("in " + result["activation"].get<std::string>()).c_str());
    print_exactness(result);
  } else {
    std::printf("wrote %s: dequantized weights in %s\n", out.c_str(),
                result["dtype"].get<std::string>().c_str());
    print_exactness(result, "tensor");
  }
  for (const Json& part : result["left_out"])
    std::printf("not in what was written: %s\n", part.get<std::string>().c_str());
}

} // namespace

const std::vector<ModelForm>& model_forms() {
  static const std::vector<ModelForm> forms = [] {
    std::vector<ModelForm> all;
    for (const Writer& writer : writers())
      all.push_back(writer.form);
    return all;
  }();
  return forms;
}

std::string model_form_choices() {
  std::string names;
  for (const ModelForm& form : model_forms())
    names += (names.empty() ? "" : "|") + std::string(form.name);
  return names;
}

void add_write_options(CLI::App& command, WriteOptions& options) {
  command
      .add_option("--out", options.out,
                  "Folder to write (must be empty or absent), or the .gguf file")
      ->required()
      ->type_name("PATH");
  add_choice(command, "--dtype", options.dtype, "bf16|fp32",
             "Of a folder's unpacked weights; a plain one is exact in fp32 when there is an online "
             "rotation")
      ->capture_default_str();
  command
      .add_option("--shard-size", options.shard_size,
                  "Of a folder's files at most, as in 200MB or 5GB: one model.safetensors, or "
                  "model-00001-of-0000N.safetensors and an index; a larger tensor has its own")
      ->type_name("SIZE")
      ->capture_default_str();
  add_choice(command, "--type", options.type, "TYPE",
             "Of the linears (default: the one that they are stored in, if there is one). GGUF: " +
                 joined(gguf_type_names(), ", ") +
                 "; compressed-tensors: mxfp4, mxfp6-e2m3, mxfp8-e4m3, nvfp4, int4, int8, bint4:N, "
                 "bint8:N");
  add_choice(command, "--outer-type", options.outer_type, "GGUF-TYPE",
             "Of a GGUF file's embedding and head (default: q8_0 beside a quantized type, else as "
             "--type)");
  add_output_options(command, options.output,
                     "Print one JSON object: model, out, format, what the format adds, left_out, "
                     "peak_memory");
}

void write_model(const WriteOptions& options) {
  const Writer& writer = writer_named(options.form);
  parse_byte_size(options.shard_size); // its errors come before any work
  const OpenedModel opened = open_model(options.model);
  Progress progress("write", "blocks", opened.model.config.layers, options.output.quiet);
  const Json written = writer.write(opened, options, progress);
  progress.finish();
  Json result = {{"model", options.model}, {"out", options.out}, {"format", options.form}};
  result.update(written);
  result["left_out"] = left_out(opened, written);
  result["peak_memory"] = peak_memory();
  print_result(options.output, result, print_written);
}

} // namespace latticelens
