#include "cli/topics.h"

#include "cli/documents.h"
#include "cli/exit_codes.h"
#include "cli/tables.h"

namespace latticelens {
namespace {

std::string exit_codes_text() {
  std::string text = "# Exit codes\n\n";
  for (const ExitCode& row : exit_codes())
    text += std::to_string(row.code) + (row.code < 10 ? "   " : " ") + " " + row.help + "\n";
  return text;
}

std::string methods_text() {
  Json tables = Json::object();
  const Json all = all_tables();
  for (const char* kind :
       {"presets", "transforms", "sites", "permutations", "roundings", "scale rules", "learning"})
    tables[kind] = all[kind];
  return document("methods") + "\n" + tables_text(tables);
}

} // namespace

const std::vector<Topic>& topics() {
  static const std::vector<Topic> table = {
      {"ship", "tutorial: from a model to a 4-bit folder or GGUF file, judged before it is shipped",
       [] { return document("tutorial_ship"); }},
      {"research", "tutorial: methods as composition, tables, certificates, adding a method",
       [] { return document("tutorial_research"); }},
      {"look-inside", "tutorial: what quantization does inside a model, and where it shows",
       [] { return document("tutorial_look_inside"); }},
      {"faq", "questions that come up: why is my W4A4 worse than ...",
       [] { return document("faq"); }},
      {"sae", "sparse autoencoders over a series of checkpoints", [] { return document("sae"); }},
      {"sae-folders", "autoencoders as SAELens and sparsify store them",
       [] { return document("sae_folders"); }},
      {"pretrain", "small bilingual models from nothing, with checkpoints on the way",
       [] { return document("pretrain"); }},
      {"methods", "how a method is written, and all that it can name", methods_text},
      {"formats", "number formats of weights, activations and the KV cache",
       [] { return document("formats"); }},
      {"run-directory", "every file that quantize, bench and analyse write",
       [] { return document("run_directory"); }},
      {"learning", "learned rotations, clipping, weights and codes",
       [] { return document("learned"); }},
      {"lattice", "the lattice of a layer: bounds, certificates, what search adds",
       [] { return document("lattice"); }},
      {"lens", "what the presets lens, lens-online and lens-tuned are made of",
       [] { return document("lens"); }},
      {"analyses", "the block-rotation paper's claims, checked on a model",
       [] { return document("analyse"); }},
      {"speed", "the forward pass on 4-bit codes, and what online rotations cost",
       [] { return document("speed"); }},
      {"devices", "running a model on a GPU: --device", [] { return document("devices"); }},
      {"other-programs", "what other programs make of a quantized folder",
       [] { return document("peers"); }},
      {"gguf", "GGUF files: types, what llama.cpp makes of them, rounding into them",
       [] { return document("gguf"); }},
      {"conversions", "forms that convert and export write, equal types, what is refused",
       [] { return document("conversions"); }},
      {"architecture", "what lies where in the source, and what to read first",
       [] { return document("architecture"); }},
      {"exit-codes", "what the program's exit code tells", exit_codes_text},
  };
  return table;
}

} // namespace latticelens
