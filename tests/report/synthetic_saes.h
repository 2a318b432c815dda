// A small folder of autoencoders with known numbers, written as sae and sae evaluate write theirs.
#pragma once
#include "core/files.h"
#include "tests/report/synthetic_run.h"

namespace latticelens::testing {

inline Json synthetic_metrics(double fvu, double dead) {
  return {{"fvu_dataset", fvu},
          {"fvu_batch", 1.1 * fvu},
          {"l0", 4.0},
          {"dead", dead},
          {"log10_frequency", {{"start", -2.0}, {"step", 0.5}, {"counts", {10, 40, 14, 0, 0}}}}};
}

inline Json synthetic_coder(const std::string& checkpoint, double rate, double fvu, double dead) {
  return {{"kind", "topk"},
          {"latents", 64},
          {"k", 4},
          {"learning_rate", rate},
          {"seed", 0},
          {"site", "block:1"},
          {"folder", checkpoint + "/block-1/topk-n64-k4-lr" + to_text(Json(rate)) + "-seed0"},
          {"last", {{"loss", fvu}, {"fvu_batch", fvu}, {"l0", 4.0}, {"dead", 1}}},
          {"search_checked", 256},
          {"search_missed", 3},
          {"validation", synthetic_metrics(fvu, dead)}};
}

inline Json synthetic_checkpoint(int step, double fvu, double dead) {
  const std::string name = "step-" + std::to_string(step);
  Json coders = {synthetic_coder(name, 0.001, 2 * fvu, dead),
                 synthetic_coder(name, 0.01, fvu, dead)};
  Json chosen = {{{"site", "block:1"},
                  {"folder", coders[1]["folder"]},
                  {"why", "least fvu_dataset on the validation part"}}};
  return {{"name", name},
          {"path", "series/" + name},
          {"step", step},
          {"tokens", 100 * step},
          {"held_out_loss", {{"ja", 6.5}, {"日本語", 7.5}}},
          {"seconds", 20.0},
          {"model_seconds", 5.0},
          {"coder_seconds", 12.5},
          {"activations", 4096},
          {"peak_memory", 688619520},
          {"coders", std::move(coders)},
          {"chosen", std::move(chosen)}};
}

inline Json synthetic_sae_json() {
  return {{"identity",
           {{"models", {{{"name", "step-0"}}, {{"name", "step-100"}}}},
            {"sampling", "first:65"},
            {"batch", 2048},
            {"steps", 60}}},
          {"state", "finished"},
          {"program", "latticelens 0.1.0"},
          {"text", {"本文/ja"}},
          {"documents", 50},
          {"activations_in_text", 3250},
          {"validation_activations", 325},
          {"checkpoints",
           {synthetic_checkpoint(0, 0.25, 0.125), synthetic_checkpoint(100, 0.0625, 0.5)}}};
}

inline Json synthetic_sae_evaluation() {
  const Json coder = {{"folder", "step-100/block-1/topk-n64-k4-lr0.01-seed0"},
                      {"metrics", synthetic_metrics(0.07, 0.5)},
                      {"loss",
                       {{"ce_original", 6.5},
                        {"ce_substituted", 6.75},
                        {"ce_zero", 9.0},
                        {"loss_recovered_ce", 0.9},
                        {"loss_recovered_kl", 0.85}}},
                      {"baselines",
                       {{"pca_k_fvu", 0.05},
                        {"random_dictionary_fvu", 0.8},
                        {"random_dictionary_fvu_scaled", 0.75},
                        {"effective_rank", 5.25}}}};
  return {{"text", {"held-out/ja"}},
          {"checkpoints", Json::array({{{"name", "step-100"}, {"coders", Json::array({coder})}}})}};
}

/// `points` lines for each coder of every checkpoint.
inline void write_saes(const std::filesystem::path& folder, const Json& sae, int points = 3) {
  std::filesystem::create_directories(folder);
  write_text(folder / "sae.json", to_text(sae));
  for (const Json& checkpoint : sae["checkpoints"]) {
    const auto name = checkpoint["name"].get<std::string>();
    std::filesystem::create_directories(folder / name);
    std::vector<Json> lines;
    for (int i = 0; i < points; ++i)
      for (const Json& coder : checkpoint["coders"]) {
        const auto path = coder["folder"].get<std::string>();
        lines.push_back({{"step", 1 + i},
                         {"site", "block:1"},
                         {"coder", path.substr(path.find_last_of('/') + 1)},
                         {"loss", 1.0 / (1 + i)},
                         {"fvu_batch", 0.5 / (1 + i)},
                         {"rate", 0.001}});
      }
    write_lines(folder / name / "training.jsonl", lines);
  }
}

} // namespace latticelens::testing
